import type { ClientOperation, ClientResult } from '#model';
import { ClientHarness, stored } from './core.harness.js';

/** A server that traces what asks for it; each trace has an id of its own. */
function tracing(): (operation: ClientOperation) => ClientResult {
  let traces = 0;
  return (operation) => {
    const isTraced = operation.op === 'publish' && operation.trace;
    return { ...stored(operation), ...(isTraced ? { traceId: `t${++traces}` } : {}) } as ClientResult;
  };
}

function traced(client: ClientHarness): boolean[] {
  return client.operations().map((operation) => operation.op === 'publish' && operation.trace === true);
}

function traceIds(client: ClientHarness): unknown[] {
  return client.effects.flatMap((effect) =>
    effect.type === 'settled' && effect.outcome.ok ? [effect.outcome.traceId] : [],
  );
}

describe('a publication that is traced', () => {
  it('is the one that asks for it, whose call ends with the id', () => {
    const client = new ClientHarness().start();
    const answer = tracing();
    client.publish(1, { trace: true });
    client.answer(answer);
    client.republish(1, 'v2');
    client.answer(answer);
    client.do({ type: 'republish', publisher: 1, call: 99, data: ['v3'], trace: true });
    client.answer(answer);
    expect(traced(client)).toEqual([true, false, true]);
    expect(traceIds(client)).toEqual(['t1', undefined, 't2']);
  });

  it('is not traced again when it is replayed, unless nobody has answered it', () => {
    const client = new ClientHarness().start();
    client.publish(1, { trace: true });
    client.drop().pass(60_000).welcome();
    client.answer(tracing());
    client.drop().pass(60_000).welcome();
    client.answer(tracing());
    expect(traced(client)).toEqual([true, true, false]);
    expect(traceIds(client)).toEqual(['t1']);
  });

  it('is stored without an id by a server that knows no traces', () => {
    const client = new ClientHarness().start();
    client.publish(1, { trace: true });
    client.answer();
    client.republish(1, 'v2');
    client.answer();
    expect(traceIds(client)).toEqual([undefined, undefined]);
    expect(traced(client)).toEqual([true, false]);
  });
});

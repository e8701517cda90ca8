import { type ClientOperation, type ClientResult, failure } from '#model';
import { ClientHarness, stored } from './core.harness.js';

/** As a session server of a read-only registry answers that holds nothing of this client. */
function readOnly(operation: ClientOperation): ClientResult {
  if (operation.op === 'publish' && operation.replay) return stored(operation);
  return { status: 'failed', failure: failure('READ_ONLY', undefined, { retryAfterMs: 1_000 }) };
}

const applies = (client: ClientHarness): string[] => client.transcript().filter((line) => /apply|settled/.test(line));

/** Its r1 was stored over an earlier connection, and the registry is read-only by now. */
function cameBack(): ClientHarness {
  const client = new ClientHarness().start();
  client.publish(1);
  client.answer();
  client.pass(2_000).drop().welcome();
  client.transcript();
  return client;
}

describe('a name that is blacklisted', () => {
  const blacklisted = (operation: ClientOperation): ClientResult => {
    if (operation.op === 'publish' && operation.replay) return stored(operation);
    return { status: 'failed', failure: failure('BLACKLISTED') };
  };

  it('is refused for good, and what was acknowledged before is repeated over every new connection', () => {
    const client = cameBack();
    client.answer(blacklisted);
    client.answer(blacklisted);
    expect(applies(client)).toEqual(['apply +r1=v1@3 (replay)']);
    const call = client.republish(1, 'v2');
    client.answer(blacklisted);
    expect(client.outcomes.get(call)).toMatchObject({ ok: false, failure: { code: 'BLACKLISTED' } });
    const another = client.publish(2);
    client.answer(blacklisted);
    expect(client.outcomes.get(another)).toMatchObject({ ok: false, failure: { code: 'BLACKLISTED' } });
    client.pass(2_000).drop().welcome();
    client.transcript();
    client.answer(blacklisted);
    expect(applies(client)).toEqual([expect.stringMatching(/^apply \+r1=v1@\d+ \(replay\)$/)]);
  });
});

describe('a read-only registry', () => {
  it('is told over a new connection what it had acknowledged, as the repetition that it is', () => {
    const client = cameBack();
    client.answer(readOnly);
    client.answer(readOnly);
    client.pass(30_000);
    expect(applies(client)).toEqual(['apply +r1=v1@3 (replay)']);
  });

  it('is asked again for what is new until it takes it, and each call waits for that', () => {
    const client = new ClientHarness().start();
    const call = client.publish(1);
    client.answer(readOnly);
    client.pass(5_000);
    const asked = applies(client);
    expect(new Set(asked.map((line) => line.replace(/@\d+/, '')))).toEqual(new Set(['apply +r1=v1']));
    expect(client.outcomes.has(call)).toBe(false);
    client.answer();
    expect(client.outcomes.get(call)).toEqual({ ok: true, stored: true });
  });

  it('does not lose the old content of a publication because a new one waits', () => {
    const client = new ClientHarness().start();
    client.publish(1);
    client.answer();
    const call = client.republish(1, 'v2');
    client.answer(readOnly);
    client.pass(2_000).drop().welcome();
    client.transcript();
    client.answer(readOnly);
    client.answer(readOnly);
    // Now the new content, which is refused, and is not followed by the old one again.
    client.answer(readOnly);
    client.pass(2_000);
    const [repetition, first, ...later] = applies(client);
    expect(repetition).toMatch(/^apply \+r1=v1@\d+ \(replay\)$/);
    expect([first, ...later].every((line) => /^apply \+r1=v2@\d+$/.test(line!))).toBe(true);
    expect(client.outcomes.has(call)).toBe(false);
    client.answer();
    expect(client.outcomes.get(call)).toEqual({ ok: true, stored: true });
    expect(applies(client)).toEqual([`settled ${call} stored`]);
  });

  it('is told again when what it acknowledged over this connection met a newer stamp', () => {
    const client = new ClientHarness().start();
    client.publish(1);
    client.answer();
    const [timestamp, , nonce] = client.operations()[0]!.stamp!;
    client.notice({ type: 'stale', registerId: 'r1', held: [timestamp, 5, nonce] });
    client.answer(readOnly);
    client.answer(readOnly);
    expect(applies(client).slice(-2)).toEqual(['apply +r1=v1@6', 'apply +r1=v1@7 (replay)']);
  });

  it('is told the repetition until it has it', () => {
    const client = cameBack();
    client.answer(readOnly);
    client.answer(() => ({ status: 'failed', failure: failure('OVERLOADED') }));
    client.pass(10_000);
    expect(applies(client).slice(0, 2)).toEqual(['apply +r1=v1@3 (replay)', 'apply +r1=v1@4 (replay)']);
    client.drop().welcome();
    client.transcript();
    client.answer();
    client.pass(30_000);
    expect(applies(client)).toEqual([]);
  });

  it('is not told what the application has taken back', () => {
    const client = cameBack();
    const call = client.unpublish(1);
    client.answer(readOnly);
    client.answer(readOnly);
    client.pass(5_000);
    const asked = applies(client);
    expect(asked.every((line) => line.startsWith('apply -r1@'))).toBe(true);
    client.answer();
    expect(client.outcomes.get(call)).toEqual({ ok: true, stored: true });
  });
});

import { failure } from '#model';
import { ClientHarness } from './core.harness.js';

/** A client that publishes and subscribes, has lost its server, and is connected to the next one. */
function returning(): ClientHarness {
  const client = new ClientHarness().start({ sessions: ['b:1', 'c:1'] });
  client.publish(1);
  client.answer();
  client.subscribe(1);
  client.push({ type: 'snapshot', dataInfoId: 'd', clusterId: 'c1', version: '1.1', publishers: [] });
  client.pass(2_000).drop();
  client.transcript();
  client.do({ type: 'connected', connection: client.connection });
  return client;
}

describe('a client that returns', () => {
  it('tells what it holds right behind its hello', () => {
    const client = returning();
    expect(client.transcript()).toEqual(['hello 2', 'apply +r1=v1@2', 'subscribe 1.2 d from c1/1.1']);
    client.welcome();
    expect(client.transcript()).toEqual(['ready']);
    client.answer();
    client.publish(2);
    expect(client.transcript()).toEqual(['apply +r2=v1@1']);
  });

  it('waits for the first welcome of all, which tells the cluster', () => {
    const client = new ClientHarness();
    client.do({ type: 'start' });
    client.publish(1);
    client.do({ type: 'connected', connection: 1 });
    expect(client.transcript()).toEqual(['dial 1 a:1', 'hello 1']);
  });

  it('says it all again, under a higher stamp, where the hello was refused, and there after the welcome only', () => {
    const client = returning();
    client.transcript();
    const refusal = failure('OVERLOADED', undefined, { retryAfterMs: 400 });
    client.do({ type: 'failed', connection: 2, requestId: 0, failure: refusal });
    client.fail(client.last('request'), refusal);
    client.do({ type: 'pushFailed', connection: 2, subscriptionId: '1.2', failure: refusal });
    client.do({ type: 'connected', connection: client.connection });
    expect(client.transcript()).toEqual(['hangUp 2', expect.stringMatching(/^dial 3/), 'hello 3']);
    client.welcome();
    expect(client.transcript()).toEqual(['ready', 'apply +r1=v1@3', 'subscribe 1.3 d from c1/1.1']);
  });

  it('may find another cluster there, to which the versions of the one before are no base', () => {
    const client = returning();
    client.welcome({ clusterId: 'c2' });
    client.do({ type: 'pushFailed', connection: 2, subscriptionId: '1.2', failure: failure('NOT_READY') });
    client.transcript();
    client.pass(2_000);
    expect(client.transcript()).toEqual(['subscribe 1.3 d']);
  });

  it('takes its leave like any other when it is closed before the welcome', () => {
    const client = returning();
    client.transcript();
    const call = client.close();
    expect(client.transcript()).toEqual([]);
    client.answer();
    expect(client.transcript()).toEqual(['goodbye {}']);
    client.respond(client.last('request'), {});
    expect(client.outcomes.get(call)).toEqual({ ok: true, stored: true });
  });
});

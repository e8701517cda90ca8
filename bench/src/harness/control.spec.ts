import { type Ask, type Control, RemoteControl, carryOut, isAsk } from './control.js';

const servers = (): Control & { done: string[] } => {
  const done: string[] = [];
  return {
    ...{ done, kinds: ['leader'] },
    kill: async (kind) => {
      if (kind !== 'leader') throw new Error(`There is no ${kind} among these servers.`);
      done.push('kill');
      return 'server-1';
    },
    restart: async (name) => void done.push(`restart ${name}`),
  };
};

/** Both ends, and what went over the channel. */
function connected(control: Control | undefined): { remote: RemoteControl; asked: Ask[] } {
  const asked: Ask[] = [];
  const remote: RemoteControl = new RemoteControl(control?.kinds ?? [], (ask) => {
    asked.push(ask);
    void carryOut(control, ask).then((told) => remote.receive(told));
  });
  return { remote, asked };
}

describe('the control of servers that another process owns', () => {
  it('has them killed and started again', async () => {
    const control = servers();
    const { remote, asked } = connected(control);
    await expect(remote.kill('leader')).resolves.toBe('server-1');
    await remote.restart('server-1');
    expect(control.done).toEqual(['kill', 'restart server-1']);
    expect(asked.every(isAsk)).toBe(true);
  });

  it('says why something could not be done', async () => {
    await expect(connected(servers()).remote.kill('meta')).rejects.toThrow('kill of meta: There is no meta among');
    await expect(connected(undefined).remote.kill('leader')).rejects.toThrow('None of these servers may be killed.');
  });

  it('asks for one thing at a time, and takes no answer for that of another', async () => {
    const sent: Ask[] = [];
    const remote = new RemoteControl(['leader'], (ask) => sent.push(ask));
    const killed = remote.kill('leader');
    await expect(remote.restart('server-1')).rejects.toThrow('being asked for something already');
    remote.receive({ type: 'told', id: sent[0]!.id + 1, name: 'wrong' });
    remote.receive({ type: 'told', id: sent[0]!.id, name: 'server-1' });
    await expect(killed).resolves.toBe('server-1');
  });

  it('tells what it asks for from what else goes over the channel', () => {
    expect([null, 'kill', {}, { type: 'answer' }].some(isAsk)).toBe(false);
  });
});

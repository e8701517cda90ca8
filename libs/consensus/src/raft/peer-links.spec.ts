import type { LinkEffect } from '#model';
import type { RaftMessage } from './contract.js';
import type { RaftEnvelope } from './envelope.js';
import { VirtualEnv } from './node-group.harness.js';
import { PeerLinks } from './peer-links.js';

const ping = (term: number): RaftMessage => ({ kind: 'timeoutNow', term });

/** The links of `a`, and what they ask of whoever holds them, as short words. */
function links(): { env: VirtualEnv; peers: PeerLinks; asked: string[] } {
  const env = new VirtualEnv(1);
  const asked: string[] = [];
  const word = (effect: LinkEffect<RaftEnvelope>): string => {
    if (effect.type === 'dial') return `dial ${effect.address}`;
    return effect.type === 'send' ? `send ${effect.link} ${effect.message.message.term}` : `hangUp ${effect.link}`;
  };
  const perform = (effect: LinkEffect<RaftEnvelope>): void => void asked.push(word(effect));
  return { env, asked, peers: new PeerLinks({ id: 'a', peers: ['a', 'b'], env, perform }) };
}

const hello = { protocol: 1, role: 'meta' as const, incarnation: 'x' };

describe('links between the nodes of a group', () => {
  it('keep what is sent while a dial is under way, and drop it if that fails', async () => {
    const { env, peers, asked } = links();
    peers.start();
    peers.send('b', ping(1));
    peers.take({ type: 'dialFailed', address: 'b', reason: 'refused', message: '' });
    peers.send('b', ping(2));
    await env.run(100);
    peers.send('b', ping(3));
    peers.take({ type: 'linkUp', link: 7, direction: 'out', address: 'b', hello });
    expect(asked).toEqual(['dial b', 'dial b', 'send 7 3']);
  });

  it('hang up where nothing is heard for long while they send, and dial again', async () => {
    const { env, peers, asked } = links();
    peers.start();
    peers.take({ type: 'linkUp', link: 1, direction: 'out', address: 'b', hello });
    for (let term = 1; term <= 4; term++) {
      peers.send('b', ping(term));
      await env.run(1_100);
    }
    expect(asked.slice(1)).toEqual(['send 1 1', 'send 1 2', 'send 1 3', 'hangUp 1']);
    peers.take({ type: 'linkDown', link: 1 });
    await env.run(100);
    expect(asked.at(-1)).toBe('dial b');
  });

  it('take whatever is heard of a peer, over any link, for a sign that it is there', async () => {
    const { env, peers, asked } = links();
    peers.start();
    peers.take({ type: 'linkUp', link: 1, direction: 'out', address: 'b', hello });
    for (let term = 1; term <= 8; term++) {
      peers.send('b', ping(term));
      peers.take({ type: 'received', link: 2, message: { from: 'b', to: 'a', message: ping(term) } });
      await env.run(1_100);
    }
    expect(asked).not.toContain('hangUp 1');
  });

  it('go on dialling the first peers, and forget one that nothing is sent to any more', async () => {
    const { env, peers, asked } = links();
    peers.start();
    peers.send('c', ping(1));
    let answered = 0;
    const dialledIn = async (seconds: number): Promise<string[]> => {
      const since = asked.length;
      for (let second = 0; second < seconds; second++) {
        for (; answered < asked.length; answered++) {
          const [, address] = asked[answered]!.split(' ');
          peers.take({ type: 'dialFailed', address: address!, reason: 'unreachable', message: '' });
        }
        await env.run(1_000);
      }
      return [...new Set(asked.slice(since))].toSorted();
    };
    expect(await dialledIn(30)).toEqual(['dial b', 'dial c']);
    await dialledIn(40);
    expect(await dialledIn(30)).toEqual(['dial b']);
  });
});

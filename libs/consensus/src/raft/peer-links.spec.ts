import type { LinkEffect } from '#model';
import type { RaftMessage } from './contract.js';
import type { RaftEnvelope } from './envelope.js';
import { VirtualEnv } from './node-group.harness.js';
import { PeerLinks, type PeerLinksOptions } from './peer-links.js';

const ping = (term: number): RaftMessage => ({ kind: 'timeoutNow', term });

/** A node whose era and acquaintances a test decides. */
function inEra(era: number | undefined): ReturnType<typeof links> & { later: string[] } {
  const later: string[] = [];
  return { ...links({ era: () => era, onLaterEra: (address) => later.push(address) }), later };
}

/** The links of `a`, and what they ask of whoever holds them, as short words. */
function links(options: Pick<PeerLinksOptions, 'era' | 'onLaterEra'> = {}): {
  env: VirtualEnv;
  peers: PeerLinks;
  asked: string[];
} {
  const env = new VirtualEnv(1);
  const asked: string[] = [];
  const word = (effect: LinkEffect<RaftEnvelope>): string => {
    if (effect.type === 'dial') return `dial ${effect.address}`;
    return effect.type === 'send' ? `send ${effect.link} ${effect.message.message.term}` : `hangUp ${effect.link}`;
  };
  const perform = (effect: LinkEffect<RaftEnvelope>): void => void asked.push(word(effect));
  return { env, asked, peers: new PeerLinks({ id: 'a', peers: ['a', 'b'], env, perform, ...options }) };
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

  it.each([
    ['an earlier', 4, []],
    ['a later', 6, ['b', 'somewhere:1']],
  ])('are not kept with a node of %s era of the group, whoever dialled', async (_, era, met) => {
    const { env, peers, asked, later } = inEra(5);
    peers.start();
    peers.send('b', ping(1));
    peers.take({ type: 'linkUp', link: 1, direction: 'out', address: 'b', hello: { ...hello, era } });
    peers.take({ type: 'linkUp', link: 2, direction: 'in', address: 'somewhere:1', hello: { ...hello, era } });
    expect(asked).toEqual(['dial b', 'hangUp 1', 'hangUp 2']);
    expect(later).toEqual(met);
    peers.take({ type: 'linkDown', link: 1 });
    peers.take({ type: 'linkDown', link: 2 });
    await env.run(100);
    expect(asked.at(-1)).toBe('dial b');
  });

  it('hear nothing of another era, also over a link that is older than what is known of the group', () => {
    const known: { era?: number } = {};
    const { peers, asked } = links({ era: () => known.era });
    const heard: number[] = [];
    peers.onMessage((_from, { term }) => heard.push(term));
    const receive = (term: number, theirs?: number): void => {
      const message = { from: 'b', to: 'a', message: ping(term), ...(theirs === undefined ? {} : { era: theirs }) };
      peers.take({ type: 'received', link: 1, message });
    };
    peers.take({ type: 'linkUp', link: 1, direction: 'in', address: 'somewhere:1', hello });
    receive(1);
    receive(2, 5);
    // From here on it knows which group it belongs to.
    known.era = 6;
    receive(3);
    receive(4, 6);
    expect(asked).toEqual([]);
    receive(5, 5);
    expect([heard, asked]).toEqual([[1, 2, 3, 4], ['hangUp 1']]);
  });
});

import type { LeaderToRelay, LinkEffect, LinkId, RelayToLeader, RelayToSession, SessionToData } from '#model';
import { RelayedLinks } from './relayed-links.js';
import { RelaysBetween } from './relays-between.js';

type Sent = RelayToSession | RelayToLeader | LeaderToRelay;

const LEADER_LINK = 1;
const SESSION_LINK = 2;

const ping = (sequence: number): SessionToData => ({ kind: 'ping', sequence });

/** What was sent since the last call, as `link <- message`. */
class Sink {
  private effects: LinkEffect<Sent>[] = [];

  readonly emit = (effect: LinkEffect<Sent>): void => void this.effects.push(effect);

  take(): string[] {
    const effects = this.effects;
    this.effects = [];
    return effects.map((effect) => {
      if (effect.type !== 'send') throw new Error(effect.type);
      const { kind, relay, ...rest } = effect.message;
      return `${effect.link} <- ${kind} ${relay} ${JSON.stringify(rest)}`;
    });
  }
}

describe('relays on a follower', () => {
  let sink: Sink;
  let relays: RelaysBetween;
  let leaderLink: LinkId | undefined;

  beforeEach(() => {
    sink = new Sink();
    leaderLink = LEADER_LINK;
    relays = new RelaysBetween((leader) => (leader === 'd1' ? leaderLink : undefined), sink.emit);
  });

  const open = (relay = 1, session = 's1', link = SESSION_LINK): void =>
    relays.fromSession(link, session, { kind: 'relayOpen', relay, to: 'd1' });

  it('pass on what either side says to the other, and to nobody else', () => {
    open(1, 's1', 2);
    open(1, 's2', 3);
    sink.take();
    relays.fromSession(2, 's1', { kind: 'relay', relay: 1, message: ping(7) });
    const message = { kind: 'pong', sequence: 7, tableEpoch: 1 } as const;
    relays.fromLeader(LEADER_LINK, { kind: 'relayedOpen', relay: 1, session: 's2' });
    relays.fromLeader(LEADER_LINK, { kind: 'relayed', relay: 1, session: 's2', message });
    expect(sink.take()).toEqual([
      '1 <- relay 1 {"session":"s1","message":{"kind":"ping","sequence":7}}',
      '3 <- relayedOpen 1 {}',
      '3 <- relayed 1 {"message":{"kind":"pong","sequence":7,"tableEpoch":1}}',
    ]);
  });

  it('end at once where there is no way to the leader', () => {
    leaderLink = undefined;
    open();
    expect(sink.take()).toEqual(['2 <- relayedEnd 1 {}']);
    expect(relays.size).toBe(0);
  });

  it.each<[string, () => void, string[]]>([
    [
      'the session server ends it',
      () => relays.fromSession(2, 's1', { kind: 'relayEnd', relay: 1 }),
      ['1 <- relayEnd 1 {"session":"s1"}'],
    ],
    [
      'the leader ends it',
      () => relays.fromLeader(1, { kind: 'relayedEnd', relay: 1, session: 's1' }),
      ['2 <- relayedEnd 1 {}'],
    ],
    ['the link of the session server breaks', () => relays.linkDown(2), ['1 <- relayEnd 1 {"session":"s1"}']],
    ['the link of the leader breaks', () => relays.linkDown(1), ['2 <- relayedEnd 1 {}']],
  ])('say so to the other side when %s, and pass on nothing that comes later', (_, end, told) => {
    open();
    sink.take();
    end();
    expect(sink.take()).toEqual(told);
    relays.fromSession(2, 's1', { kind: 'relay', relay: 1, message: ping(8) });
    const message = { kind: 'pong', sequence: 8, tableEpoch: 1 } as const;
    relays.fromLeader(1, { kind: 'relayed', relay: 1, session: 's1', message });
    expect(sink.take()).toEqual([]);
    expect(relays.size).toBe(0);
  });

  it('pass on nothing from another link than that over which they were opened', () => {
    open();
    sink.take();
    relays.fromSession(9, 's1', { kind: 'relay', relay: 1, message: ping(1) });
    relays.fromLeader(9, { kind: 'relayedEnd', relay: 1, session: 's1' });
    expect(sink.take()).toEqual([]);
    expect(relays.size).toBe(1);
  });

  it('are bounded in number', () => {
    for (let relay = 1; relay <= 10_000; relay++) open(relay);
    sink.take();
    open(10_001);
    expect(sink.take()).toEqual(['2 <- relayedEnd 10001 {}']);
    relays.fromSession(2, 's1', { kind: 'relayEnd', relay: 1 });
    open(10_002);
    expect(sink.take()).toEqual(['1 <- relayEnd 1 {"session":"s1"}', '1 <- relayOpen 10002 {"session":"s1"}']);
  });
});

describe('relays on a leader', () => {
  let sink: Sink;
  let links: RelayedLinks;
  let said: string[];

  beforeEach(() => {
    sink = new Sink();
    said = [];
    links = new RelayedLinks({
      linkUp: (link, session) => void said.push(`${link} up ${session}`),
      received: (link, message) => void said.push(`${link} ${message.kind}`),
      linkEnded: (link) => void said.push(`${link} ended`),
      emit: sink.emit,
    });
  });

  const open = (relay: number, session: string, link = 5): void => {
    links.receive(link, { kind: 'relayOpen', relay, session });
  };

  it('are links with numbers that no host gives', () => {
    open(1, 's1');
    open(1, 's2');
    links.receive(5, { kind: 'relay', relay: 1, session: 's2', message: ping(1) });
    links.receive(5, { kind: 'relayEnd', relay: 1, session: 's1' });
    links.receive(5, { kind: 'relay', relay: 1, session: 's1', message: ping(2) });
    expect(said).toEqual(['-1 up s1', '-2 up s2', '-2 ping', '-1 ended']);
    expect(sink.take()).toEqual(['5 <- relayedOpen 1 {"session":"s1"}', '5 <- relayedOpen 1 {"session":"s2"}']);
  });

  it('end with the link of the follower, and only those that go by way of it', () => {
    open(1, 's1', 5);
    open(2, 's1', 6);
    links.linkDown(5);
    expect(said.slice(2)).toEqual(['-1 ended']);
  });

  it('turn what goes to them into what goes to the follower', () => {
    const wake = { type: 'wake', atMs: 1 };
    const real = { type: 'send', link: 7, message: { kind: 'pong' } };
    expect(links.translate([wake, real])).toEqual([wake, real]);
    open(3, 's1');
    const message = { kind: 'pong', sequence: 1, tableEpoch: 1 };
    const session = 's1';
    expect(
      links.translate([
        real,
        { type: 'send', link: -1, message },
        { type: 'hangUp', link: -1, reason: 'enough' },
        { type: 'send', link: -1, message },
        wake,
      ]),
    ).toEqual([
      real,
      { type: 'send', link: 5, message: { kind: 'relayed', relay: 3, session, message } },
      { type: 'send', link: 5, message: { kind: 'relayedEnd', relay: 3, session } },
      wake,
    ]);
  });

  it('are bounded in number', () => {
    for (let relay = 1; relay <= 10_000; relay++) open(relay, 's1');
    sink.take();
    open(10_001, 's1');
    expect(said).toHaveLength(10_000);
    expect(sink.take()).toEqual(['5 <- relayedEnd 10001 {"session":"s1"}']);
  });
});

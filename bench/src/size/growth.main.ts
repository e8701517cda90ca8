import { parseArgs } from 'node:util';
import { type DataToSession, type Publication, type RoutingTable, seededRandom } from '#model';
import { DataCore, type DataEffect, type DataEvent } from '#registry';
import { slotOf } from '#sharding';
import { encodeBody, pack } from '#wire';

const HELP = `Fills the brain of one data server with ever more publications, and measures what one costs: memory, and the processor time
of a publish and of a fetch, its answer encoded. No sockets: what they cost does not grow with what is held.

  node --expose-gc scripts/run.mjs bench/src/size/growth.main.js [--sizes 10000,100000,1000000] [--json]
`;

const { values: options } = parseArgs({
  options: {
    sizes: { type: 'string', default: '10000,100000,1000000' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (options.help || !globalThis.gc) {
  process.stdout.write(HELP);
  process.exit(options.help ? 0 : 2);
}
const sizes = options.sizes.split(',').map(Number);

const SLOTS = 256;
/** Instances of one service. */
const PER_DATUM = 100;
const DATA = `tcp://10.20.30.40:20880?application=shop&weight=100&version=1.0.0&timestamp=1700000000000&methods=${'find,'.repeat(22)}`;
const ROUNDS = 7;
const PER_ROUND = 10_000;

/** A data core that leads every slot, with one session server on a link. */
class Server {
  readonly core: DataCore;
  nowMs = 1_000;
  private sequence = 0;
  private answer: DataToSession | undefined;

  constructor() {
    const self = {
      role: 'data',
      incarnation: 'd1',
      address: 'd1:1',
      httpAddress: 'd1:2',
      zone: 'z',
      weight: 1,
    } as const;
    const table: RoutingTable = {
      ...{ clusterId: 'c', epoch: 1, departed: [] },
      members: [self],
      slots: Array.from({ length: SLOTS }, () => ({ leader: 'd1', leaderEpoch: 1, followers: [], joining: [] })),
    };
    this.core = new DataCore({ self, metaAddresses: [], random: seededRandom(1), run: 0, table });
    this.step({ type: 'start' });
    const hello = { protocol: 1, role: 'session' as const, incarnation: 's1', clusterId: 'c' };
    this.step({ type: 'linkUp', link: 1, direction: 'in', address: 's1:1', hello });
  }

  publish(index: number, version: number): void {
    const dataInfoId = `service-${Math.floor(index / PER_DATUM)}#@#DEFAULT_INSTANCE_ID#@#DEFAULT_GROUP`;
    const publication: Publication = {
      ...{ registerId: `instance-${index}`, dataInfoId, zone: 'zone-a', appName: 'shop', registerTimestamp: 1 },
      stamp: [1_700_000_000_000, version, index],
      owner: { kind: 'connected', session: 's1', connection: index },
      body: encodeBody({ data: [`${DATA}${version}`] }),
    };
    const slot = slotOf(dataInfoId, SLOTS);
    const operations = [{ op: 'publish' as const, publication }];
    const sequence = ++this.sequence;
    this.receive({ kind: 'operations', slot, leaderEpoch: 1, tableEpoch: 1, sequence, operations });
  }

  fetch(index: number): void {
    const dataInfoId = `service-${Math.floor(index / PER_DATUM)}#@#DEFAULT_INSTANCE_ID#@#DEFAULT_GROUP`;
    const slot = slotOf(dataInfoId, SLOTS);
    this.receive({ kind: 'fetch', slot, leaderEpoch: 1, dataInfoId, requestId: 1 });
    pack(this.answer);
  }

  private receive(message: Extract<DataEvent, { type: 'received' }>['message']): void {
    this.step({ type: 'received', link: 1, message });
  }

  private step(event: DataEvent): void {
    for (const effect of this.core.step(this.nowMs, event) as DataEffect[])
      if (effect.type === 'send') this.answer = effect.message as DataToSession;
  }
}

const heapBytes = (): number => {
  globalThis.gc!();
  globalThis.gc!();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

/**
 * Processor time that one takes, in microseconds, that of the garbage collector's threads included: the median of rounds,
 * the first of which only sees to it that what is measured has been compiled.
 */
function timed(work: (index: number) => void, size: number, random: () => number): number {
  const rounds: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const begun = process.cpuUsage();
    for (let i = 0; i < PER_ROUND; i++) work(Math.floor(random() * size));
    const { user, system } = process.cpuUsage(begun);
    if (round > 0) rounds.push((user + system) / PER_ROUND);
  }
  return rounds.toSorted((one, other) => one - other)[ROUNDS >> 1]!;
}

const random = seededRandom(7);
const before = heapBytes();
const server = new Server();
let held = 0;
const rows = sizes.map((size) => {
  for (; held < size; held++) server.publish(held, 1);
  const bytes = (heapBytes() - before) / size;
  let version = 1;
  const publishUs = timed((index) => server.publish(index, ++version + 1), size, random);
  const fetchUs = timed((index) => server.fetch(index), size, random);
  const { publications } = server.core.stats();
  if (publications !== size) throw new Error(`${publications} publications are held, not ${size}.`);
  return { size, bytes, publishUs, fetchUs };
});
if (options.json) console.log(JSON.stringify(rows, null, 2));
else
  for (const { size, bytes, publishUs, fetchUs } of rows)
    console.log(
      `${size.toLocaleString('en').padStart(9)} publications: ${bytes.toFixed(0)} bytes each (body ${encodeBody({ data: [DATA] }).length}); ` +
        `publish ${publishUs.toFixed(1)} us (${(publishUs / rows[0]!.publishUs).toFixed(2)}x), ` +
        `fetch of ${PER_DATUM} ${fetchUs.toFixed(1)} us (${(fetchUs / rows[0]!.fetchUs).toFixed(2)}x)`,
    );

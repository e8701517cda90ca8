import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { LevelLogStore } from '#store';
import { Cluster, type ClusterNode } from '../../scripts/lib/cluster.mjs';
import { http } from '../support/http.js';
import { Operator, joiningServer } from '../support/operator.js';
import { leaderOf, raftStatus } from '../support/raft.js';

/**
 * Stands in the command by which the data server joins, and hence in one entry and in every later snapshot. Nothing in it
 * repeats what may stand before it, so that compression leaves it as it is.
 */
const MARK = 'qXv7Kp2zWm9dJt4hRb6nLc8f';

/** Real processes: a bit flips on the disk of one of three meta servers. */
describe('a meta server with a damaged disk', () => {
  let folder: string;
  let cluster: Cluster;
  let operator: Operator;
  let victim: ClusterNode;
  let fourth: ClusterNode;
  /** The folder of the victim as it was when it was killed. */
  let whole: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollcall-damage-'));
    cluster = await Cluster.open({
      dir: folder,
      meta: 3,
      data: 1,
      session: 1,
      basePort: 0,
      env: { ROLLCALL_DATA_ZONE: MARK },
    });
    fourth = await joiningServer(cluster, 'meta-4');
    await cluster.start();
    const { node: leader, status } = await leaderOf(cluster);
    victim = cluster.of('meta').find((node) => node !== leader)!;
    operator = new Operator(cluster.of('meta').filter((node) => node !== victim));
    while (((await raftStatus(victim))?.applied ?? 0) < status.commit) await setTimeout(10);
    await witnessed(victim, status.commit);
    await victim.kill('SIGKILL');
    whole = join(folder, 'whole');
    await cp(victim.dataDir, whole, { recursive: true });
  }, 60_000);

  afterAll(async () => {
    if (fourth.pid !== undefined) await fourth.kill();
    await cluster.kill();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  /** The end of the log is known beside the log, too. */
  async function witnessed(node: ClusterNode, index: number): Promise<void> {
    for (;;) {
      const [, noted] = /"index":(\d+)/.exec(await readFile(join(node.dataDir, 'witness'), 'latin1')) ?? [];
      if (Number(noted ?? 0) >= index) return;
      await setTimeout(10);
    }
  }

  /** Opens the folder and closes it, as a start would: LevelDB moves the write-ahead log into a table. */
  async function openedAndClosed(path: string): Promise<Awaited<ReturnType<LevelLogStore['open']>>> {
    const store = new LevelLogStore(path);
    const found = await store.open();
    await store.close();
    return found;
  }

  /** The index of the entry that holds the mark. */
  async function marked(): Promise<number> {
    const copy = join(folder, 'copy');
    await cp(whole, copy, { recursive: true });
    const { entries } = await openedAndClosed(copy);
    await rm(copy, { recursive: true });
    return entries.find(({ payload }) => Buffer.from(payload).includes(MARK))!.index;
  }

  /** Flips one bit in the middle of the mark: the first that follows a key, in a file of the victim of this kind. */
  async function flip(extension: string, key: string): Promise<void> {
    const db = join(victim.dataDir, 'db');
    for (const name of (await readdir(db)).filter((each) => each.endsWith(extension))) {
      const bytes = await readFile(join(db, name));
      const keyAt = bytes.indexOf(key);
      const at = keyAt < 0 ? -1 : bytes.indexOf(MARK, keyAt);
      if (at < 0) continue;
      bytes[at + MARK.length / 2]! ^= 1;
      return writeFile(join(db, name), bytes);
    }
    throw new Error(`No file *${extension} of ${db} holds the mark.`);
  }

  async function putBack(): Promise<void> {
    await rm(victim.dataDir, { recursive: true });
    await cp(whole, victim.dataDir, { recursive: true });
  }

  /** Answers why the victim does not start. It says so in one line, ends, and disturbs nobody. */
  async function refusal(): Promise<string> {
    const { status } = await leaderOf(cluster);
    victim.start();
    expect(await victim.exited).toEqual({ code: 1, signal: null });
    expect(victim.log()).not.toContain('listening');
    // The others go on under the same leader, and commit what is written.
    for (const change of [
      () => operator.ask('POST', 'learners', { node: fourth.rpcAddress }),
      () => operator.ask('DELETE', `members/${fourth.rpcAddress}`),
    ])
      expect(await change()).toMatchObject({ status: 200, body: { by: status.id } });
    expect((await leaderOf(cluster)).status.term).toBe(status.term);
    const body = { dataId: 'while-damaged', data: ['here'], leaseMs: 600_000 };
    const answer = await http('POST', `http://${cluster.node('session-1').httpAddress}/v1/publishers`, body);
    expect(answer).toMatchObject({ status: 201, body: { state: 'stored' } });
    return victim.lastWords();
  }

  const saying = (what: string): RegExp =>
    new RegExp(
      `^meta: The log in .* is damaged: (${what}).*replace this server.*docs/recovery\\.md.*\\(STORE_CORRUPT\\)$`,
    );

  it('names the entry when its write-ahead log is damaged', async () => {
    const index = await marked();
    await flip('.log', 'entries/');
    // Of what it can no longer make out, LevelDB says nothing: it reads a log that ends early. Entries that were written
    // in one batch with the damaged one go with it.
    const words = await refusal();
    expect(words).toMatch(saying('entry \\d+ is missing|entries \\d+ to \\d+ are missing'));
    const [, first, last = first] = /(?:entry|entries) (\d+)(?: to (\d+))?/.exec(words)!;
    expect(Number(first)).toBeLessThanOrEqual(index);
    expect(Number(last)).toBeGreaterThanOrEqual(index);
  });

  it('names the entry when a table is damaged', async () => {
    const index = await marked();
    await putBack();
    await openedAndClosed(victim.dataDir);
    await flip('.ldb', 'entries/');
    expect(await refusal()).toMatch(saying(`entry ${index} (fails its checksum|cannot be read)`));
  });

  it('names the snapshot when that is damaged', async () => {
    await putBack();
    victim.start();
    while (((await raftStatus(victim))?.commit ?? 0) === 0) await setTimeout(10);
    const { status, body } = await operator.raft(victim, 'POST', 'snapshot');
    expect(status).toBe(200);
    await victim.stop();
    await openedAndClosed(victim.dataDir);
    await flip('.ldb', 'chunk/');
    expect(await refusal()).toMatch(saying(`.*the snapshot at ${body.index} (fails its checksum|cannot be read)`));
  });

  it('is replaced as the README says', async () => {
    await operator.remove(victim);
    await operator.bring(fourth);
    const { node: leader } = await leaderOf(cluster);
    const answer = await operator.ask('POST', 'leader', { node: fourth.rpcAddress });
    expect(answer).toMatchObject({ status: 200, body: { by: leader.rpcAddress } });
    await operator.all((each) => each.leader === fourth.rpcAddress);
    await operator.settled();
  }, 60_000);
});

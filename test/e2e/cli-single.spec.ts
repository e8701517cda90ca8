import { rm } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import type { Cluster } from '../../scripts/lib/cluster.mjs';
import { endCluster, startCluster } from '../support/cluster.js';
import { type CliOptions, type CliRun, rollcall } from '../support/cli.js';

/** Real processes, as few as there can be. */
describe('rollcall with one server of each kind', () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await startCluster({ meta: 1, data: 1, session: 1 });
  }, 60_000);

  afterAll(async () => {
    await endCluster(cluster);
  }, 60_000);

  const cli = (args: string, options: CliOptions = {}): Promise<CliRun> =>
    rollcall(args.split(' '), { env: { ROLLCALL_ADDRESS: cluster.node('session-1').httpAddress }, ...options });
  const json = async (args: string): Promise<CliRun['json']> => (await cli(`${args} --json --quiet`)).json;

  it('warns of slots with one replica, and shows no fault where there is none', async () => {
    let shown: CliRun;
    do shown = await cli('status', { isTty: true });
    while (shown.out.includes('no leader'));
    expect(shown.out).toContain('\u001b[33m256: 256 under-replicated');
    expect(shown.out).not.toContain('\u001b[31m');
  });

  it('finds nothing wrong, and says what that means', async () => {
    let run = await cli('doctor');
    // Servers that have just been started are not ready at once.
    while (run.code !== 0) run = await cli('doctor');
    expect(run.out).toMatch(/^NOTICE {2}one-data-server {2}cluster\n {2}There is one data server/);
    expect(run.out).toContain('3 servers asked: nothing is wrong');
  }, 60_000);

  it('finds nothing wrong either after it was stopped and started again', async () => {
    const data = cluster.node('data-1');
    await data.stop();
    await data.start().ready();
    let run = await cli('doctor');
    // That it has left is remembered for a minute, in which nothing may be said of it.
    while (!run.out.includes('one-data-server') && !run.out.includes('under-replicated')) run = await cli('doctor');
    expect(run.out).not.toContain('under-replicated');
    expect((await json('members')).departed).toContainEqual(expect.objectContaining({ role: 'data', cause: 'left' }));
  }, 60_000);

  /** The only disk with a persistent publication is gone, and somebody decides to go on without it. */
  it('gives up a slot that waits for a disk, when it is told to, and none that does not wait', async () => {
    expect(await cli('publish kept there --persistent')).toMatchObject({ code: 0 });
    const data = cluster.node('data-1');
    await data.kill();
    await rm(data.dataDir, { recursive: true });
    await data.start().ready();
    let waiting: { slot: number; leaderEpoch: number; disks: string[] }[];
    do waiting = (await json('slots')).slots.filter((slot: { state: string }) => slot.state === 'no leader');
    while (waiting.length !== 1);
    const [{ slot, leaderEpoch, disks }] = waiting as [(typeof waiting)[0]];
    const state = async (): Promise<unknown> => (await json(`slots --slot ${slot}`)).slots[0];
    const before = await state();
    expect(before).toMatchObject({ leader: { address: null }, durable: true });
    expect((await cli('doctor')).out).toContain('rollcall slots abandon');

    const other = (slot + 1) % 256;
    for (const [args, options, code, said] of [
      ['slots abandon 256 --yes', {}, 2, /There is no slot 256: they are 0 to 255/],
      ['slots abandon x --yes', {}, 2, /There is no slot x/],
      [`slots abandon ${other} --yes`, {}, 1, new RegExp(`Slot ${other} waits for no disk`)],
      [`slots abandon ${slot}`, {}, 2, /say --yes\. Nothing has been changed/],
      [
        `slots abandon ${slot}`,
        { answer: 'y' },
        2,
        new RegExp(`${disks[0]}.*type yes: .*Nothing has been changed`, 's'),
      ],
    ] as const)
      expect([args, await cli(args, options)]).toEqual([
        args,
        expect.objectContaining({ code, err: expect.stringMatching(said) }),
      ]);
    expect(await state()).toEqual(before);

    const { code, out } = await cli(`slots abandon ${slot}`, { answer: 'yes' });
    expect({ code, out }).toEqual({
      code: 0,
      out: expect.stringMatching(`^slot ${slot} begins anew, version \\d+\n$`),
    });
    while (!((await json(`slots --slot ${slot}`)).slots[0].leaderEpoch > leaderEpoch)) await setTimeout(20);
    expect((await json('get kept')).publishers).toEqual([]);
    expect(await cli(`slots abandon ${slot} --yes`)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/waits for no disk/),
    });
  }, 60_000);
});

import { Etcdctl, type Printed, RealEtcd, etcdIsInstalled } from '../support/etcdctl.js';
import { type Tiers, startTiers } from '../support/tiers.js';

/**
 * A command, with `""` for an empty word; of one that goes on for ever, after how many lines it is ended. Or what stands for
 * something that was printed last, in the commands that follow.
 */
type Step = { run: string; stdin?: string; lines?: number } | { remember: string; from: RegExp };

const TXN = 'value("app/a") = "2"\n\nput app/t "yes"\nget app/a\n\nput app/t "no"\n\n';

const SCRIPT: Step[] = [
  { run: 'put app/a 1' },
  { run: 'get app/a' },
  { run: 'get app/a -w json' },
  { run: 'get app/none' },
  { run: 'put app/a 2 --prev-kv' },
  { run: 'put app/b 3 -w json' },
  { run: 'put other 4' },
  { run: 'get app/ --prefix' },
  { run: 'get app/ --prefix -w json' },
  { run: 'get app/ --prefix -w fields' },
  { run: 'get app/ --prefix --keys-only' },
  { run: 'get app/ --prefix --limit 1' },
  { run: 'get app/ --prefix --limit 1 -w json' },
  { run: 'get app/ --prefix --sort-by VALUE --order DESCEND --print-value-only' },
  { run: 'get app/b --from-key' },
  { run: 'get app/a app/b' },
  { run: 'get --prefix ""' },
  { run: 'put app/w 0 -w json' },
  { remember: 'start', from: /"revision":(\d+)/ },
  { run: 'put app/w 1' },
  { run: 'del app/w --prev-kv' },
  { run: 'del app/none' },
  { run: 'put app/w 2' },
  { run: 'watch app/w --rev {start}', lines: 12 },
  { run: 'watch app/ --prefix --prev-kv --rev {start}', lines: 16 },
  { run: 'lease grant 60' },
  { remember: 'lease', from: /lease ([0-9a-f]+) granted/ },
  { run: 'put leased/a 1 --lease={lease}' },
  { run: 'put leased/b 1 --lease={lease}' },
  { run: 'get leased/a -w json' },
  { run: 'put leased/b 2 --ignore-lease' },
  { run: 'put leased/b --ignore-value' },
  { run: 'get leased/b -w json' },
  { run: 'lease timetolive {lease}' },
  { run: 'lease timetolive {lease} --keys' },
  { run: 'lease keep-alive --once {lease}' },
  { run: 'lease list' },
  { run: 'lease revoke {lease}' },
  { run: 'get leased/ --prefix' },
  { run: 'lease timetolive {lease}' },
  { run: 'lease keep-alive --once {lease}' },
  { run: 'lease revoke {lease}' },
  { run: 'put leased/a 1 --lease={lease}' },
  { run: 'lease grant 0' },
  { run: 'lease grant 31536000' },
  { run: 'lease grant 9000000001' },
  { run: 'txn', stdin: TXN },
  { run: 'txn -w json', stdin: TXN.replace('"2"', '"nothing"') },
  { run: 'get app/t' },
  { run: 'txn', stdin: 'create("app/new") = "0"\n\nput app/new 1\n\n\n' },
  { run: 'txn', stdin: 'mod("app/new") > "0"\nversion("app/new") = "1"\n\ndel app/new\n\n\n' },
  { run: 'txn', stdin: '\nput app/d 1\nput app/d 2\n\n\n' },
  { run: 'del app/ --prefix' },
  { run: 'del --prefix ""' },
  { run: 'get other --rev 9000000000000000000' },
  { run: 'compaction 9000000000000000000' },
  { run: 'put "" 1' },
  { run: 'endpoint status' },
  { run: 'endpoint health' },
  { run: 'member list' },
];

/** What each of them printed, with a name for what has another value on each side, but the same meaning. */
async function transcript(endpoint: string): Promise<string[]> {
  const etcdctl = new Etcdctl(endpoint);
  const known = new Map<string, string>();
  const said: string[] = [];
  let last = '';
  for (const step of SCRIPT) {
    if ('remember' in step) {
      known.set(step.remember, step.from.exec(last)![1]!);
      continue;
    }
    const run = step.run.replaceAll(/\{(\w+)\}/g, (_, name: string) => known.get(name)!);
    const args = run.split(' ').map((word) => (word === '""' ? '' : word));
    const printed = await (step.lines === undefined ? etcdctl.run(args, step.stdin) : etcdctl.lines(step.lines, args));
    last = printed.stdout;
    said.push(`> ${step.run}\n${textOf(printed)}`);
  }
  return named(said, endpoint);
}

function textOf({ stdout, said, code }: Printed): string {
  return [stdout, ...said, `(${code})`].join('\n');
}

function named(said: string[], endpoint: string): string[] {
  const all = said.join('\n');
  const found = (form: RegExp): string[] => [...new Set([...all.matchAll(form)].map(([, id]) => id!))];
  const leases = found(/lease ([0-9a-f]{16}) granted/g);
  // Revisions go on in the same order on both sides, whatever they begin with.
  const revisions = found(/"(?:\w+_)?revision":(\d+)|"\w*Revision" : (\d+)/gi).filter(Boolean);
  const ordered = revisions.map(BigInt).toSorted((a, b) => (a < b ? -1 : 1));
  return said.map((text) => {
    let result = text;
    for (const [index, id] of leases.entries())
      result = result.replaceAll(id, `LEASE${index}`).replaceAll(String(BigInt(`0x${id}`)), `LEASE${index}`);
    return result
      .replaceAll(/("(?:\w+_)?revision":)(\d+)|("\w*Revision" : )(\d+)/gi, (_, json, one, fields, other) => {
        const rank = ordered.indexOf(BigInt((one ?? other) as string));
        return `${(json ?? fields) as string}r${rank}`;
      })
      .replaceAll(/("(?:cluster_id|member_id|raft_term)":|"(?:ClusterID|MemberID|RaftTerm)" : )\d+/g, '$1ID')
      .replaceAll(/remaining\((?:5\d|60)s\)/g, 'remaining(LEFT)')
      .replaceAll(/took = \S+/g, 'took = TIME')
      .replaceAll(/^[0-9a-f]{12,16}, started, [^,]+, http:\S+, http:\S+,/gm, 'ID, started, NAME, URL, URL,')
      .replaceAll(
        /, [0-9a-f]{12,16}, 3\.4\.\d+, [\d.]+ \w+, true, false, \d+, \d+, \d+,/g,
        ', ID, 3.4, SIZE, LEADS, TERM, INDEX,',
      )
      .replaceAll(endpoint, 'ENDPOINT')
      .replaceAll(/^(found \d+ leases)\n([^(]+)/gm, (_, head: string, ids: string) =>
        [head, ...ids.split('\n').toSorted()].join('\n'),
      );
  });
}

const INSTALL = 'apt-get update && apt-get install -y etcd-client etcd-server';
const isRequired = process.env['REQUIRE_ETCD'] === '1';
const why = etcdIsInstalled || isRequired ? '' : ` (skipped: etcdctl and etcd are not installed; ${INSTALL})`;

(why === '' ? describe : describe.skip)(`etcdctl${why}`, () => {
  let etcd: RealEtcd;
  let tiers: Tiers;

  beforeAll(async () => {
    [etcd, tiers] = await Promise.all([
      RealEtcd.start(),
      startTiers({ ROLLCALL_SESSION_ETCD_ENABLED: 'true', ROLLCALL_SESSION_ETCD_PORT: '0' }),
    ]);
  });

  afterAll(() => Promise.all([etcd.stop(), tiers.close()]));

  it('prints what it prints of a server of etcd', async () => {
    const real = await transcript(etcd.address);
    expect(await transcript(tiers.session.etcdAddress!)).toEqual(real);
    // That all of it went wrong on both sides would be the same, too.
    expect(real.filter((text) => text.endsWith('(0)')).length).toBeGreaterThan(40);
  });

  it.each([
    ['lock somewhere', 'rollcall: a txn is served where'],
    ['elect somewhere me', 'rollcall: there are no elections'],
  ])('says why there is no %s', async (run, why) => {
    const { said, code } = await new Etcdctl(tiers.session.etcdAddress!).run(run.split(' '));
    expect(said).toEqual([expect.stringContaining(why)]);
    expect(code).not.toBe(0);
  });
});

import { setTimeout } from 'node:timers/promises';
import { CliFailure, Ended, EXIT, WrongUsage } from '../failures.js';
import { counted } from '../output/duration.js';
import { type Paint, type Tint, harmless } from '../output/paint.js';
import { type Finding, type Severity, bySeverity, isWrong } from '../doctor/finding.js';
import { raft } from '../doctor/raft.js';
import { replicas } from '../doctor/replicas.js';
import { clocks, departures, reachability, versions } from '../doctor/servers.js';
import { slots } from '../doctor/slots.js';
import { steering } from '../doctor/steering.js';
import { survey } from '../doctor/survey.js';
import type { Run } from '../run.js';
import { type AddCommands, examples, readDuration } from './command.js';

export const addDoctor: AddCommands = (parent, tasks) => {
  parent
    .command('doctor')
    .description('Asks every server, finds what is wrong or may become so, and says what to do about it.')
    .option('--wait <duration>', 'ask again for so long, until nothing is wrong', readDuration)
    .addHelpText(
      'after',
      `\nIt ends with 1 when something is wrong; a notice is not.\n${examples('rollcall doctor', 'rollcall doctor --wait 2m', "rollcall doctor --json | jq '.findings[].code'")}`,
    )
    .action(tasks.of((run: Run, { wait }: { wait?: number }) => doctor(run, wait)));
};

const TINTS: Readonly<Record<Severity, Tint>> = { critical: 'bad', warning: 'warn', notice: 'strong' };

const AGAIN_MS = 1_000;

async function doctor(run: Run, waitMs = 0): Promise<void> {
  const deadlineMs = performance.now() + waitMs;
  for (;;) {
    const isLast = performance.now() >= deadlineMs;
    const report = await examined(run, isLast);
    if (report?.healthy || (report && isLast)) return print(run, report);
    if (report)
      run.progress.tell(
        `${report.findings
          .filter(isWrong)
          .map(({ code }) => code)
          .join(', ')}; asking again ...`,
      );
    await setTimeout(AGAIN_MS, undefined, { signal: run.signal });
  }
}

interface Report {
  healthy: boolean;
  findings: Finding[];
  servers: object[];
}

/** Undefined where nobody can be asked, and there is time to ask again. */
async function examined(run: Run, isLast: boolean): Promise<Report | undefined> {
  try {
    return await examine(run);
  } catch (error) {
    if (isLast || !(error instanceof CliFailure) || error instanceof WrongUsage) throw error;
    run.progress.tell(error.message);
    run.cluster.forget('meta');
    return undefined;
  }
}

async function examine(run: Run): Promise<Report> {
  const surveyed = await survey(run.cluster);
  const findings = [
    ...[reachability, raft, slots, steering, versions, clocks, departures].flatMap((check) => check(surveyed)),
    ...(await replicas(surveyed, run.signal)),
  ].toSorted(bySeverity);
  const servers = surveyed.servers.map(({ role, name, rpc, http, clock }) => {
    const { version, featureLevel } = http.answer ?? rpc.answer ?? {};
    return { role, address: name, rpc: rpc.reason ?? 'ok', http: http.reason ?? 'ok', version, featureLevel, clock };
  });
  return { healthy: !findings.some(isWrong), findings, servers };
}

function print(run: Run, report: Report): void {
  const { healthy, findings, servers } = report;
  run.print(report, () => [
    ...findings.flatMap((finding) => linesOf(run.paint, finding)),
    summary(run.paint, servers.length, findings),
  ]);
  if (!healthy) throw new Ended(EXIT.failed);
}

function linesOf(paint: Paint, { severity, code, subject, what, meaning, advice }: Finding): string[] {
  return [
    `${paint(TINTS[severity], severity.toUpperCase())}  ${paint('strong', code)}  ${harmless(subject)}`,
    `  ${harmless(what)}`,
    `  ${paint('dim', meaning)}`,
    `  -> ${harmless(advice)}`,
    '',
  ];
}

function summary(paint: Paint, servers: number, findings: readonly Finding[]): string {
  const asked = `${counted(servers, 'server')} asked`;
  const wrong = findings.filter(isWrong).length;
  if (wrong > 0) return paint('bad', `${asked}: ${counted(wrong, 'finding')}`);
  return paint('good', `${asked}: nothing is wrong`);
}

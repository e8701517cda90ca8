import { Command, CommanderError } from 'commander';
import { systemEnv } from '#client';
import { RegistryError } from '#model';
import { describeFailure } from '#nest';
import { openFolder } from './folder.js';
import { planRecovery, recover } from './recover.js';
import { linesOfFolder, linesOfState, reportFolder } from './report.js';
import { readBackup, restore } from './restore.js';

/** Done; refused or failed; wrongly asked, or asked without the confirmation that it needs. */
export const EXIT = { done: 0, failed: 1, usage: 2 } as const;

/** Where a command writes to. */
export interface Output {
  out(text: string): void;
  err(text: string): void;
}

const PROCESS_OUTPUT: Output = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
};

/** Nothing has been done; the message says what has to be said first. */
class NotAsked extends Error {}

type Print = (...lines: string[]) => void;

const DESCRIPTION = `What is done to the folders of meta servers while they do not run. docs/recovery.md says when and in which order.
Exit codes: 0 done, 1 refused or failed, 2 wrongly asked or not confirmed.`;

/**
 * Runs one command of the operator's. Answers the exit code.
 * @param name by which it was called
 */
export async function runOffline(
  args: readonly string[],
  output: Output = PROCESS_OUTPUT,
  name = 'npm run meta --',
): Promise<number> {
  try {
    await program(output, name).parseAsync([...args], { from: 'user' });
    return EXIT.done;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    if (error instanceof NotAsked) {
      output.err(`${error.message}\n`);
      return EXIT.usage;
    }
    const message = error instanceof RegistryError ? error.message : describeFailure(error);
    output.err(`meta: ${message ?? (error as Error).stack}\n`);
    return EXIT.failed;
  }
}

function program(output: Output, name: string): Command {
  const print: Print = (...lines) => output.out(`${lines.join('\n')}\n`);
  const root = new Command(name)
    .description(DESCRIPTION)
    .exitOverride()
    .showHelpAfterError()
    .configureOutput({ writeOut: output.out, writeErr: output.err });
  root
    .command('inspect')
    .description('Shows what the folder of a meta server that does not run holds.')
    .requiredOption('--dir <folder>', 'the data folder (meta.dataDir)')
    .option('--json', 'for programs')
    .action((options: { dir: string; json?: true }) => runInspect(options, print));
  root
    .command('verify')
    .description('Checks a backup, and shows what it holds.')
    .requiredOption('--backup <file>', 'what GET /v1/raft/backup answered')
    .option('--json', 'for programs')
    .action((options: { backup: string; json?: true }) => runVerify(options, print));
  root
    .command('restore')
    .description('Fills empty folders for the meta servers of a new group from a backup.')
    .requiredOption('--backup <file>', 'what GET /v1/raft/backup answered')
    .requiredOption(
      '--server <address=folder...>',
      'each server of the new group: its RPC address as it stands in cluster.metaAddresses, and its empty data folder',
    )
    .option(
      '--same-cluster <clusterId>',
      'the cluster of this id goes on: the meta servers that it had are gone for good',
    )
    .option('--new-cluster', 'another cluster begins, with the switches and configuration values of this one')
    .action((options: RestoreArguments) => runRestore(options, print));
  root
    .command('recover')
    .description('Makes the one meta server that is left of a lost majority a group of its own.')
    .requiredOption('--dir <folder>', 'its data folder (meta.dataDir)')
    .option('--confirm-others-are-gone <clusterId>', 'the other meta servers of this cluster are gone for good; do it')
    .action((options: RecoverArguments) => runRecover(options, print));
  return root;
}

async function runInspect({ dir, json }: { dir: string; json?: true }, print: Print): Promise<void> {
  const folder = await openFolder(dir);
  await folder.close();
  const report = reportFolder(folder);
  if (json) print(JSON.stringify(report, undefined, 2));
  else print(...linesOfFolder(report));
}

async function runVerify(options: { backup: string; json?: true }, print: Print): Promise<void> {
  const { about, report } = await readBackup(options.backup);
  if (options.json) print(JSON.stringify({ ...report, about }, undefined, 2));
  else
    print(
      `The backup is whole, taken ${String(about['takenAt'])} by ${String(about['server'])}. It holds:`,
      ...linesOfState(report),
    );
}

interface RestoreArguments {
  backup: string;
  server: string[];
  sameCluster?: string;
  newCluster?: true;
}

async function runRestore(options: RestoreArguments, print: Print): Promise<void> {
  const { sameCluster, newCluster } = options;
  const servers = options.server.map((each) => {
    const [, address, folder] = /^([^=]+)=(.+)$/.exec(each) ?? [];
    if (address !== undefined && folder !== undefined) return { address, folder };
    throw new NotAsked(`--server needs an address and a folder, such as 10.0.0.1:9610=./data/meta-1, not ${each}.`);
  });
  const backup = await readBackup(options.backup);
  print('The backup is whole. It holds:', ...linesOfState(backup.report));
  if ((sameCluster === undefined) === (newCluster === undefined))
    throw new NotAsked(
      'Nothing has been done. Say which of the two it is to be:\n' +
        `  --same-cluster ${backup.report.clusterId}   its meta servers are gone for good; its data and session servers are to come back\n` +
        '  --new-cluster   that cluster may go on; another one begins, to which none of its servers belong',
    );
  const say = (line: string): void => print(line);
  const { clusterId, era } = await restore({ backup, servers, sameCluster, env: systemEnv(), say });
  print(
    `Done: the cluster ${clusterId}, in era ${era}. Start each of its meta servers with its folder as meta.dataDir, and`,
    'every server of the cluster with',
    `  ROLLCALL_CLUSTER_META_ADDRESSES=${servers.map(({ address }) => address).join(',')}`,
  );
}

interface RecoverArguments {
  dir: string;
  confirmOthersAreGone?: string;
}

async function runRecover({ dir, confirmOthersAreGone }: RecoverArguments, print: Print): Promise<void> {
  const say = (line: string): void => print(line);
  if (confirmOthersAreGone !== undefined) {
    const { report, era, copy } = await recover({ folder: dir, env: systemEnv(), say }, confirmOthersAreGone);
    print(
      ...linesOfFolder(report),
      `Done: a group of one, in era ${era}. The folder as it was is ${copy}.`,
      'Start the server. Data and session servers find it by themselves, at the address that it had.',
    );
    return;
  }
  const { report, others, obstacle } = await planRecovery({ folder: dir, say });
  print(...linesOfFolder(report));
  for (const { address, hello, reason } of others)
    print(`  ${address.padEnd(24)}${hello ? 'ANSWERS' : `does not answer: ${reason}`}`);
  if (obstacle) throw obstacle;
  throw new NotAsked(
    [
      'Nothing has been done. This server can go on alone with what it has. What the lost majority had acknowledged and',
      'this server never got would be forgotten: members that joined or left, switches and values that were set last.',
      'Should the others come back with their folders, they stop as soon as they meet it.',
      `To go on: the same command with   --confirm-others-are-gone ${report.clusterId}`,
    ].join('\n'),
  );
}

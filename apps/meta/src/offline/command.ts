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

const DESCRIPTION = `What is done to the folders of meta servers while they do not run. docs/recovery.md says when and in which order.
Exit codes: 0 done, 1 refused or failed, 2 wrongly asked or not confirmed.`;

/** Runs one command of the operator's. Answers the exit code. */
export async function runOffline(args: readonly string[]): Promise<number> {
  let exitCode: number = EXIT.done;
  const program = new Command('npm run meta --').description(DESCRIPTION).exitOverride().showHelpAfterError();
  program
    .command('inspect')
    .description('Shows what the folder of a meta server that does not run holds.')
    .requiredOption('--dir <folder>', 'the data folder (meta.dataDir)')
    .option('--json', 'for programs')
    .action(async ({ dir, json }: { dir: string; json?: boolean }) => {
      const folder = await openFolder(dir);
      await folder.close();
      const report = reportFolder(folder);
      print(json ? [JSON.stringify(report, undefined, 2)] : linesOfFolder(report));
    });
  program
    .command('verify')
    .description('Checks a backup, and shows what it holds.')
    .requiredOption('--backup <file>', 'what GET /v1/raft/backup answered')
    .option('--json', 'for programs')
    .action(async ({ backup, json }: { backup: string; json?: boolean }) => {
      const { about, report } = await readBackup(backup);
      print(
        json
          ? [JSON.stringify({ ...report, about }, undefined, 2)]
          : [...linesOfState(report), `  taken       ${String(about['takenAt'])}, by ${String(about['server'])}`],
      );
    });
  program
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
    .action(async (options: { backup: string; server: string[]; sameCluster?: string; newCluster?: true }) => {
      exitCode = await runRestore(options);
    });
  program
    .command('recover')
    .description('Makes the one meta server that is left of a lost majority a group of its own.')
    .requiredOption('--dir <folder>', 'its data folder (meta.dataDir)')
    .option('--confirm-others-are-gone <clusterId>', 'the other meta servers of this cluster are gone for good; do it')
    .action(async (options: { dir: string; confirmOthersAreGone?: string }) => {
      exitCode = await runRecover(options);
    });
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    const message = error instanceof RegistryError ? error.message : describeFailure(error);
    process.stderr.write(`meta: ${message ?? (error as Error).stack}\n`);
    return EXIT.failed;
  }
  return exitCode;
}

async function runRestore(options: {
  backup: string;
  server: string[];
  sameCluster?: string;
  newCluster?: true;
}): Promise<number> {
  const { sameCluster, newCluster } = options;
  const servers = options.server.map((each) => {
    const at = each.indexOf('=');
    return { address: each.slice(0, Math.max(at, 0)), folder: each.slice(at + 1) };
  });
  if (servers.some(({ address, folder }) => address === '' || folder === ''))
    return usage('--server needs an address and a folder, such as 10.0.0.1:9610=./data/meta-1.');
  const backup = await readBackup(options.backup);
  print(['The backup is whole. It holds:', ...linesOfState(backup.report)]);
  if ((sameCluster === undefined) === (newCluster === undefined))
    return usage(
      'Say which of the two it is to be:\n' +
        `  --same-cluster ${backup.report.clusterId}   its meta servers are gone for good, and its data and session servers are to come back\n` +
        '  --new-cluster   that cluster may go on; another one begins, and no server of that one belongs to it',
    );
  const { clusterId, era } = await restore({ backup, servers, sameCluster, env: systemEnv(), say });
  const addresses = servers.map(({ address }) => address).join(',');
  print([
    `Done: the cluster ${clusterId}, in era ${era}. Start each of its meta servers with its folder as meta.dataDir and`,
    `  ROLLCALL_CLUSTER_META_ADDRESSES=${addresses}`,
    'which every data and session server needs, too.',
  ]);
  return EXIT.done;
}

async function runRecover({
  dir,
  confirmOthersAreGone,
}: {
  dir: string;
  confirmOthersAreGone?: string;
}): Promise<number> {
  if (confirmOthersAreGone === undefined) {
    const { report, others, obstacle } = await planRecovery({ folder: dir, say });
    print(linesOfFolder(report));
    for (const { address, hello, reason } of others)
      print([`  ${address.padEnd(24)}${hello ? 'ANSWERS' : `does not answer: ${reason}`}`]);
    if (obstacle) throw obstacle;
    return usage(
      [
        'Nothing has been done. This server can go on alone with what it has. What the lost majority had acknowledged and',
        'this server never got would be forgotten: members that joined or left, switches and values that were set last.',
        'If the others come back with their folders, they stop themselves once they hear of this.',
        `To go on: the same command with   --confirm-others-are-gone ${report.clusterId}`,
      ].join('\n'),
    );
  }
  const { report, era, copy } = await recover({ folder: dir, env: systemEnv(), say }, confirmOthersAreGone);
  print([
    ...linesOfFolder(report),
    `Done: a group of one, in era ${era}. The folder as it was is ${copy}.`,
    'Start the server. Data and session servers find it by themselves, at the address that it had.',
  ]);
  return EXIT.done;
}

function usage(message: string): number {
  process.stderr.write(`${message}\n`);
  return EXIT.usage;
}

function say(line: string): void {
  print([line]);
}

function print(lines: string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

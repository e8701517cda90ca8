import { relative } from 'node:path';
import { parseArgs } from 'node:util';
import { Cluster, describeExit } from './cluster.mjs';
import { prepare } from './prepare.mjs';

const HELP = `Runs a cluster of real server processes on loopback, until Ctrl-C.

  npm run cluster [-- options]

  --meta N       meta servers: 1, 3 or 5 (1). Of 3 one may fail, of 5 two
  --data N       data servers (2)
  --session N    session servers (2)
  --workers N    processes of each session server, which share its ports (1)
  --dir FOLDER   where the cluster lives: data, logs, and the ports it uses (./data/cluster)
  --base-port N  the first port that a new server may take (9700)
  --help         this text

The same folder is the same cluster: started again, it has its data and its ports, and as many servers as the last time
unless you say otherwise; only that of meta servers stays as it was. Settings in the environment (ROLLCALL_...) reach every server.`;

const DUPLICATE_SIGNAL_MS = 1_000;

try {
  await main(readOptions());
} catch (error) {
  console.error(`cluster: ${error.message}`);
  process.exit(1);
}

function readOptions() {
  const option = { type: 'string' };
  const { values } = parseArgs({
    options: {
      meta: option,
      data: option,
      session: option,
      workers: option,
      dir: { type: 'string', default: './data/cluster' },
      'base-port': option,
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    process.exit(0);
  }
  const options = {
    dir: values.dir,
    meta: count('meta', values.meta, 99),
    data: count('data', values.data, 99),
    session: count('session', values.session, 99),
    workers: count('workers', values.workers, 64),
    basePort: count('base-port', values['base-port'], 65_000),
  };
  if (![1, 3, 5].includes(options.meta ?? 1))
    throw new Error('--meta must be 1, 3 or 5: one more than an odd number survives no more failures');
  return options;
}

function count(name, text, most) {
  if (text === undefined) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(value >= 1 && value <= most))
    throw new Error(`--${name} must be a whole number from 1 to ${most}, but is "${text}"`);
  return value;
}

async function main(options) {
  await prepare();
  const cluster = await Cluster.open(options);
  const stopping = stopOnSignals(cluster);
  console.log(`Starting ${cluster.nodes.length} servers in ${shown(cluster.dir)} ...`);
  try {
    await cluster.start();
  } catch (error) {
    // Stopped while it started, which is no failure.
    if (!stopping.requested) throw error;
    return;
  }
  if (stopping.requested) return;
  for (const node of cluster.nodes) void watch(node, stopping);
  console.log(`\n${table(cluster)}\n\nAll serve. Ctrl-C stops them; the same command starts them again. Try it:`);
  console.log(`  curl -N 'http://${cluster.of('session')[0].httpAddress}/v1/watch?dataId=hello'\n`);
}

/** Says when a server ends that nobody has told to; the others go on, as they would anywhere. */
async function watch(node, stopping) {
  const ended = await node.exited;
  if (stopping.requested) return;
  console.error(`${node.name} ended unexpectedly (${describeExit(ended)}); its log is ${shown(node.logFile)}`);
  if (ended.code !== null) console.error(`  its last words: ${node.lastWords()}`);
  if (node.cluster.nodes.every(({ pid }) => pid === undefined)) {
    console.error('cluster: no server is left');
    process.exit(1);
  }
  const env = Object.entries(node.env).map(([name, value]) => `${name}=${value}`);
  console.error(`  to start it again by hand: ${env.join(' ')} node dist/apps/${node.tier}/src/main.js`);
}

/** A terminal's Ctrl-C arrives twice and counts once; one more, later, ends everything at once. */
function stopOnSignals(cluster) {
  const stopping = { requested: false };
  let firstMs;
  const onSignal = async () => {
    if (firstMs !== undefined) {
      if (performance.now() - firstMs < DUPLICATE_SIGNAL_MS) return;
      await cluster.kill();
      process.exit(1);
    }
    firstMs = performance.now();
    stopping.requested = true;
    console.log('\nStopping ...');
    const unclean = await cluster.stop();
    for (const name of unclean) console.error(`${name} did not stop cleanly`);
    console.log('Stopped.');
    process.exit(unclean.length > 0 ? 1 : 0);
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void onSignal());
  return stopping;
}

function table(cluster) {
  const rows = [
    ['server', 'pid', 'rpc', 'http', 'folder', 'log'],
    ...cluster.nodes.map((node) => [
      node.name,
      String(node.pid),
      node.rpcAddress,
      `http://${node.httpAddress}`,
      shown(node.dataDir),
      shown(node.logFile),
    ]),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A path as short as it can be said from here. */
function shown(path) {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}

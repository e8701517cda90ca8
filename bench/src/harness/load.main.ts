import { systemNamed } from '../systems/index.js';
import { runJob } from '../workloads/index.js';
import type { Answer, Assignment } from './load.js';
import { ServerMeter } from './server-meter.js';

process.once('disconnect', () => process.exit(0));
process.once('message', (message) => {
  void work(message as Assignment)
    .catch((error: unknown): Answer => ({ failed: error instanceof Error ? error.message : String(error) }))
    .then((answer) => process.send!(answer));
});

async function work({ system, addresses, pids, job }: Assignment): Promise<Answer> {
  const clients = await systemNamed(system).clients(addresses);
  const meter = new ServerMeter(pids);
  const outcome = await runJob(job, clients, meter);
  await clients.close();
  return { result: { ...outcome, ...meter.result(outcome.operations) } };
}

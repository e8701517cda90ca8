import { systemNamed } from '../systems/index.js';
import { runJob } from '../workloads/index.js';
import type { Members } from '../systems/system.js';
import { RemoteControl, type Told } from './control.js';
import type { Answer, Assignment } from './load.js';
import { ServerMeter } from './server-meter.js';

let control: RemoteControl | undefined;

process.once('disconnect', () => process.exit(0));
process.on('message', (message: Assignment | Told) => {
  if (message.type !== 'assignment') return control?.receive(message);
  control = new RemoteControl(message.kinds, (ask) => process.send!(ask));
  void work(message, control)
    .catch((error: unknown): Answer => ({
      ...{ type: 'answer', failed: error instanceof Error ? error.message : String(error) },
    }))
    .then((answer) => process.send!(answer));
});

async function work({ system: name, addresses, pids, job }: Assignment, by: RemoteControl): Promise<Answer> {
  const system = systemNamed(name);
  const clients = await system.clients(addresses);
  const members = async (roams: boolean): Promise<Members> => {
    if (!system.members) throw new Error(`The clients of ${name} do not come back.`);
    return system.members({ addresses, roams });
  };
  const meter = new ServerMeter(pids);
  const outcome = await runJob(job, { clients, members, control: by }, meter);
  await clients.close();
  return { type: 'answer', result: { ...outcome, ...meter.result(outcome.operations) } };
}

import { CliFailure, WrongUsage } from '../failures.js';
import type { Changed, Slots } from '../servers/answers.js';
import { slotState } from '../servers/slots.js';
import type { Run } from '../run.js';
import { type AddCommands, addCommand, option } from './command.js';

interface Options {
  yes?: true;
}

export const addAbandon: AddCommands = (slots, tasks) => {
  addCommand(slots, tasks, 'abandon', {
    description:
      'Gives up what was persistent in a slot whose disks are all gone for good, so that it is served again.',
    takes: [['<slot>', 'its number, as rollcall slots --problems shows it']],
    options: [option('--yes', 'without being asked')],
    examples: ['rollcall slots abandon 17', 'rollcall slots abandon 17 --yes'],
    does: abandon,
  });
};

async function abandon(run: Run, name: string, { yes }: Options): Promise<void> {
  const meta = await run.cluster.meta();
  const all = await meta.get<Slots>('/v1/slots');
  const slot = all.slots.find((each) => String(each.slot) === name);
  if (!slot) throw new WrongUsage(`There is no slot ${name}: they are 0 to ${all.slots.length - 1}.`);
  const doesNotWait = (): CliFailure =>
    new CliFailure(`Slot ${name} waits for no disk, so there is nothing to give up. Nothing has been changed.`);
  if (slotState(slot, all) !== 'no leader' || !slot.durable) throw doesNotWait();
  const disks = slot.disks?.join(', ') || 'none that is known';
  const question =
    `Slot ${name} waits for a data server that comes with one of the disks that hold its persistent publications: ${disks}. ` +
    'Given up, they are lost, also if such a server comes back.';
  if (!yes && !(await run.isSure(question))) throw new WrongUsage('Nothing has been changed.');
  // By its leaderEpoch it is given up only if it still waits as it did when it was looked at.
  const { leaderEpoch } = slot;
  const answer = await meta.change<Changed>('POST', `/v1/slots/${name}/abandon`, { leaderEpoch });
  if (!answer.changed) throw doesNotWait();
  run.print(answer, () => [`slot ${name} begins anew, version ${answer.version}`]);
}

import { rename, writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { type Cell, table } from '../output/table.js';
import { bytes } from '../output/duration.js';
import { CliFailure, Refused, Unreachable } from '../failures.js';
import type { RaftStatus } from '../servers/answers.js';
import type { MetaNode } from '../servers/cluster.js';
import type { Run, Tasks } from '../run.js';
import { waitFor } from '../wait.js';
import { type AddCommands, addCommand, addGroup, option, waitOption } from './command.js';
import { raftRole } from './members.js';
import { addOffline } from './raft-offline.js';

interface Waiting {
  wait: number;
}

const WAIT_MS = 120_000;
const NODE = ['<node>', 'its RPC address, as it is in cluster.metaAddresses'] as const;

type Asked = [method: 'POST' | 'DELETE', what: 'learners' | 'voters' | 'leader' | 'members'];

export const addRaft: AddCommands = (parent, tasks) => {
  const root = addGroup(parent, 'raft', {
    description: 'The group of the meta servers: who is in it and leads it; backups; recovery.',
    examples: ['rollcall raft status', 'rollcall raft add 127.0.0.1:9640 --voter'],
  });
  addCommand(root, tasks, 'status', {
    description: 'Every meta server of the group, as it sees itself.',
    examples: ['rollcall raft status', 'rollcall raft status --json'],
    does: status,
  });
  addCommand(root, tasks, 'add', {
    description: 'Adds a meta server that runs and waits for it (meta.join), as a learner.',
    takes: [NODE],
    options: [
      option('--voter', 'let it vote once it has caught up'),
      waitOption('for how long to wait for that', WAIT_MS),
    ],
    examples: ['rollcall raft add 127.0.0.1:9640', 'rollcall raft add 127.0.0.1:9640 --voter'],
    does: async (run, node: string, { voter, wait }: Waiting & { voter?: true }) => {
      const added = await change(run, 'POST', 'learners', node, wait);
      if (voter) await print(run, await change(run, 'POST', 'voters', node, wait), `${node} is a voter`);
      else await print(run, added, `${node} is a learner`);
    },
  });
  addChange(root, tasks, 'promote', {
    description: 'Lets a learner vote, once it has caught up.',
    wait: 'for how long to wait for that',
    asks: ['POST', 'voters'],
    done: 'is a voter',
  });
  addChange(root, tasks, 'remove', {
    description: 'Takes a meta server out of the group, before it is stopped or because it is gone for good.',
    asks: ['DELETE', 'members'],
    done: 'is no member of the group any more',
  });
  addChange(root, tasks, 'transfer', {
    description: 'Hands the lead over to a voter.',
    asks: ['POST', 'leader'],
    done: 'leads',
  });
  addCommand(root, tasks, 'snapshot', {
    description: 'Cuts the log of one meta server short now rather than when it is due.',
    takes: [['[node]', `${NODE[1]}; the one that is asked where left out`]],
    examples: ['rollcall raft snapshot 127.0.0.1:9610'],
    does: snapshot,
  });
  addCommand(root, tasks, 'backup', {
    description: 'Writes all that meta knows into a file, while it runs.',
    takes: ['<file>'],
    options: [option('--stale', 'what the server that is asked has, also where there is no leader')],
    examples: ['rollcall raft backup meta.backup', 'rollcall raft verify --backup meta.backup'],
    does: backup,
  });
  addOffline(root, tasks);
};

interface Change {
  description: string;
  wait?: string;
  asks: Asked;
  done: string;
}

/** A command that changes what one meta server is to the group. */
function addChange(root: Command, tasks: Tasks, name: string, { description, wait, asks, done }: Change): void {
  addCommand(root, tasks, name, {
    description,
    takes: [NODE],
    options: [waitOption(wait ?? 'for how long to try while there is no leader', WAIT_MS)],
    examples: [`rollcall raft ${name} 127.0.0.1:9611`],
    does: async (run, node: string, options: Waiting) =>
      print(run, await change(run, ...asks, node, options.wait), `${node} ${done}`),
  });
}

interface NodeState extends MetaNode {
  status?: RaftStatus;
}

async function status(run: Run): Promise<void> {
  const { status: asked, nodes } = await run.cluster.metaNodes();
  const states = await Promise.all(nodes.map((node) => statusOf(run, node)));
  const last = Math.max(...states.map((state) => state.status?.last ?? 0));
  const { configuration, leader, term } = asked;
  run.print({ leader, term, configuration, nodes: states }, () => {
    const rows = states.map((state): Cell[] => {
      const { id, about, unanswered, status: own } = state;
      if (!own) return [id, '', { text: 'unreachable', tint: 'bad' }, '', '', '', '', unanswered];
      const role = raftRole(state, asked);
      return [
        ...[id, about?.httpAddress],
        { text: own.role === 'leader' ? 'leader' : role, tint: own.role === 'leader' ? 'good' : 'strong' },
        ...[own.term, own.commit, own.applied, last - own.last],
        own.failure ? { text: own.failure.message, tint: 'bad' } : '',
      ];
    });
    const header = ['NODE', 'HTTP', 'ROLE', 'TERM', 'COMMIT', 'APPLIED', 'BEHIND', ''];
    const joint = configuration.outgoing ? ', the group is changing' : '';
    return [
      ...table(run.paint, header, rows),
      '',
      `${leader ?? 'nobody'} leads in term ${term}; ${configuration.voters.length} voters, ${configuration.learners.length} learners${joint}`,
    ];
  });
}

async function statusOf(run: Run, node: MetaNode): Promise<NodeState> {
  if (!node.about) return node;
  try {
    return { ...node, status: await run.cluster.at(node.about.httpAddress).get<RaftStatus>('/v1/raft/status') };
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    return { ...node, unanswered: error.reason };
  }
}

interface Answer {
  by: string;
  configuration: RaftStatus['configuration'];
}

/** Asked again while there is no leader, and while a learner has not caught up: nothing has been done then. */
async function change(run: Run, method: Asked[0], what: Asked[1], node: string, limitMs: number): Promise<Answer> {
  const meta = await run.cluster.meta();
  const waiting = { what: `${node}: that could not be done yet`, limitMs };
  return waitFor(run, waiting, async () => {
    try {
      if (method === 'DELETE') return await meta.once<Answer>('DELETE', `/v1/raft/members/${encodeURIComponent(node)}`);
      return await meta.once<Answer>('POST', `/v1/raft/${what}`, { node });
    } catch (error) {
      if (!(error instanceof Refused) || !['NOT_READY', 'NO_LEADER', 'NOT_LEADER'].includes(error.code)) throw error;
      run.progress.tell(error.message);
      return undefined;
    }
  });
}

async function print(run: Run, answer: Answer, done: string): Promise<void> {
  const { voters, learners } = answer.configuration;
  const among = learners.length > 0 ? `; learners ${learners.join(', ')}` : '';
  run.print(answer, () => [`${done}; voters ${voters.join(', ')}${among}`]);
}

async function snapshot(run: Run, node: string | undefined): Promise<void> {
  let meta = await run.cluster.meta();
  if (node !== undefined) {
    const { nodes } = await run.cluster.metaNodes();
    const found = nodes.find(({ id }) => id === node);
    if (!found?.about)
      throw new CliFailure(`${node} ${found ? `does not answer: ${found.unanswered}` : 'is not in the group'}.`);
    meta = run.cluster.at(found.about.httpAddress);
  }
  const answer = await meta.once<{ index: number }>('POST', '/v1/raft/snapshot');
  run.print(answer, () => [`a snapshot up to entry ${answer.index}`]);
}

/** Whatever happens, the file is a whole backup or what it was before. */
async function backup(run: Run, file: string, { stale }: { stale?: true }): Promise<void> {
  const content = await (await run.cluster.meta()).getBytes('/v1/raft/backup', stale ? { consistency: 'stale' } : {});
  const partial = `${file}.partial`;
  try {
    await writeFile(partial, content);
    await rename(partial, file);
  } catch (error) {
    throw new CliFailure(`The file cannot be written: ${(error as Error).message}.`);
  }
  run.print({ file, bytes: content.length }, () => [`${file}: ${bytes(content.length)}`]);
}

import { type Capture, type Configuration, eraOf } from '#consensus';
import type { MetaResult, MetaState } from '#registry';
import type { MetaFolder } from './folder.js';

/** What a state holds, in numbers that an operator can compare. */
export interface StateReport {
  clusterId: string;
  /** Of the last entry in it. */
  index: number;
  term: number;
  era: number;
  configuration: Configuration;
  tableEpoch: number;
  dataServers: number;
  sessionServers: number;
  slots: number;
  switchesVersion: number;
  configurationValues: number;
}

export function reportState({ position, image }: Capture<MetaState, MetaResult>): StateReport {
  const { table, switches, config } = image.state;
  const count = (role: string): number => table.members.filter((member) => member.role === role).length;
  return {
    clusterId: table.clusterId,
    index: position.index,
    term: position.term,
    era: eraOf(position.configuration) ?? 0,
    configuration: position.configuration,
    tableEpoch: table.epoch,
    dataServers: count('data'),
    sessionServers: count('session'),
    slots: table.slots.length,
    switchesVersion: switches.version,
    configurationValues: config.values.length,
  };
}

/** What one server has of its group. */
export interface FolderReport extends StateReport {
  folder: string;
  id: string;
  /** The term that it is in, and for whom it voted there. */
  currentTerm: number;
  vote: string | null;
  /** To here everything had certainly been committed; of what follows, the log does not say. */
  snapshotIndex: number;
}

export function reportFolder({ path, identity, log }: MetaFolder): FolderReport {
  const { term: currentTerm, vote, snapshotIndex } = log;
  return { folder: path, id: identity.id, currentTerm, vote, snapshotIndex, ...reportState(log) };
}

/** For people: one fact a line. */
export function linesOfState(report: StateReport): string[] {
  const { voters, outgoing, learners } = report.configuration;
  return [
    fact('cluster', report.clusterId || '(none yet: the group has never bootstrapped one)'),
    fact('last entry', `${report.index}, of term ${report.term}`),
    fact('voters', voters.join(', ') || '(none)'),
    ...(outgoing ? [fact('outgoing', `${outgoing.join(', ')} (a change of the voters was under way)`)] : []),
    ...(learners.length > 0 ? [fact('learners', learners.join(', '))] : []),
    ...(report.era > 0 ? [fact('era', String(report.era))] : []),
    fact('table', `epoch ${report.tableEpoch}, ${report.slots} slots`),
    fact('members', `${report.dataServers} data and ${report.sessionServers} session servers`),
    fact('switches', `version ${report.switchesVersion}`),
    fact('values', `${report.configurationValues} configuration values`),
  ];
}

export function linesOfFolder(report: FolderReport): string[] {
  const uncertain = report.index - report.snapshotIndex;
  return [
    fact('server', `${report.id}, in ${report.folder}`),
    fact('term', `${report.currentTerm}, voted for ${report.vote ?? 'nobody'}`),
    fact('snapshot', `at ${report.snapshotIndex}; ${uncertain} entries after it, committed or not`),
    ...linesOfState(report),
  ];
}

function fact(name: string, value: string): string {
  return `  ${name.padEnd(12)}${value}`;
}

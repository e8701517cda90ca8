import { systemEnv } from '#client';
import { FEATURE_LEVEL } from '#model';
import {
  AdminTokens,
  type Config,
  type RunningTier,
  advertise,
  createLogger,
  refuseTakenAddress,
  startTierApp,
} from '#nest';
import { ConfigController } from './http/config.controller.js';
import { LeaderController } from './http/leader.controller.js';
import { MembersController } from './http/members.controller.js';
import { DrainController } from './http/drain.controller.js';
import { ProtectionController } from './http/protection.controller.js';
import { RaftController } from './http/raft.controller.js';
import { RebalanceController } from './http/rebalance.controller.js';
import { SlotsController } from './http/slots.controller.js';
import { SwitchesController } from './http/switches.controller.js';
import { MetaHost } from './meta.host.js';
import { metaMetrics } from './metrics.js';
import { Backups } from './raft/backup.js';
import { RaftAdministration } from './raft/administration.js';
import { MetaGroup } from './raft/group.js';
import { ConfigRpcController } from './rpc/config.controller.js';
import { RaftRpcController } from './rpc/raft.controller.js';
import { StateRpcController } from './rpc/state.controller.js';
import { StateAdministration } from './state/administration.js';

/** Over HTTP for operators, over RPC for programs and the other meta servers. */
const CONTROLLERS = [
  ...[RaftController, LeaderController, MembersController, SlotsController, ProtectionController],
  ...[SwitchesController, ConfigController, RebalanceController, DrainController],
  ...[RaftRpcController, StateRpcController, ConfigRpcController],
];

/**
 * Starts a meta server.
 * @param featureLevel the highest that it supports, for tests of what happens between versions
 * @throws RegistryError STORE_*, INVALID_CONFIGURATION, and what listening throws, with nothing left behind
 */
export async function startMeta(
  given: Config<'meta'>,
  fail: (error: unknown) => void,
  featureLevel = FEATURE_LEVEL,
): Promise<RunningTier> {
  const logger = createLogger({ tier: 'meta', ...given.log });
  const config = await advertise(given, logger);
  await refuseTakenAddress(config);
  const env = systemEnv();
  const adminTokens = await AdminTokens.open(config.admin, logger);
  const group = await MetaGroup.open({ config, env, logger, featureLevel, adminTokens, fail });
  const host = new MetaHost({ config, env, logger, group, featureLevel, fail });
  return startTierApp({
    config,
    featureLevel,
    logger,
    host,
    adminTokens,
    api: {
      title: 'Rollcall meta server',
      description:
        'The cluster as operators see and steer it: members, slots, switches, configuration values, the Raft group.',
    },
    resource: group,
    controllers: CONTROLLERS,
    metrics: metaMetrics(host, group),
    providers: [
      { provide: MetaHost, useValue: host },
      { provide: RaftAdministration, useValue: new RaftAdministration(group, logger) },
      { provide: StateAdministration, useValue: new StateAdministration(group, env, () => host.planning(), logger) },
      { provide: Backups, useValue: new Backups(group, env) },
    ],
  });
}

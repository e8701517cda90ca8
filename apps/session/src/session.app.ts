import { systemEnv } from '#client';
import { type Config, RollcallServer, type RunningTier, createLogger, startTierApp } from '#nest';
import { ServerFolder } from '#store';
import { EDGE, edgeContext } from './edge.js';
import { DatumsController } from './http/datums.controller.js';
import { HttpCaller } from './http/http-caller.js';
import { PublishersController } from './http/publishers.controller.js';
import { WatchController } from './http/watch.controller.js';
import { RegistryController } from './rpc/registry.controller.js';
import { RpcClients } from './rpc/rpc-clients.js';
import { SessionHost } from './session.host.js';

/** Starts a session server. @throws RegistryError STORE_*, and what listening throws, with nothing left behind */
export async function startSession(config: Config<'session'>, fail: (error: unknown) => void): Promise<RunningTier> {
  const env = systemEnv();
  const logger = createLogger({ tier: 'session', ...config.log });
  const folder = await ServerFolder.open(config.dataDir);
  const host = new SessionHost({ config, env, logger, folder, fail });
  const edge = edgeContext(host.makeRegisterId);
  const server = new RollcallServer({ host: config.host, port: config.rpcPort });
  try {
    const app = await startTierApp({
      config,
      logger,
      server,
      readiness: () => host.readiness(),
      controllers: [RegistryController, PublishersController, DatumsController, WatchController],
      providers: [
        { provide: SessionHost, useValue: host },
        { provide: EDGE, useValue: edge },
        { provide: RpcClients, useValue: new RpcClients(host, edge) },
        { provide: HttpCaller, useValue: new HttpCaller(host) },
      ],
    });
    await host.start(app.advertised);
    return {
      ...app,
      close: async () => {
        host.stop();
        await host.close();
        await app.close();
        await folder.close();
      },
    };
  } catch (error) {
    await folder.close();
    throw error;
  }
}

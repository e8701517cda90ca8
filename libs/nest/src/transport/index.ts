export type { Answer } from './answer.js';
export { Connection } from './connection.js';
export { LISTEN_BACKLOG } from './listen-backlog.js';
export type { RequestTallies } from './request-tally.js';
export { RollcallContext } from './rollcall-context.js';
export { RollcallServer, type RollcallServerOptions } from './rollcall-server.js';
export { RollcallSocket, type RollcallSocketOptions } from './rollcall-socket.js';
export { RpcErrorFilter } from './rpc-error.filter.js';

/**
 * Connections that wait to be accepted: as many as the system allows (`net.core.somaxconn`, 4,096 on Linux), where Node's
 * default is 511. The clients of a lost server all come within a second, and what the queue has no room for is dropped
 * without a word: the client tries again after one second, then after two.
 */
export const LISTEN_BACKLOG = 65_535;

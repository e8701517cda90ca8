/** Where the registry's session servers listen. */
export const registrySeeds = (process.env.ROLLCALL_SEEDS ?? '127.0.0.1:9600').split(',');

/** The port to listen on; 0 lets the system choose a free one. */
export const port = Number(process.env.PORT ?? 0);

/** How long a service that stops goes on serving after it has left the registry. */
export const drainMs = 300;

/** Where `note` and `user` keep their records: a shared file stands in for the database of a real service. */
export const recordsFolder = process.env.RECORDS ?? 'data/easy-note';

/** The names under which the services find each other. */
export const API_SERVICE = 'easy-note.api';
export const USER_SERVICE = 'easy-note.user';
export const NOTE_SERVICE = 'easy-note.note';

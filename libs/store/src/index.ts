export * from './folders.js';
export * from './level-log-store.js';
export * from './level-records.js';
export * from './node-file.js';
export * from './server-folder.js';

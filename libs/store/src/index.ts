export * from './folders.js';
export * from './level-log-store.js';
export * from './level-records.js';
export * from './level-slot-store.js';
export * from './level-warm-store.js';
export * from './node-file.js';
export * from './server-folder.js';
export * from './slot-store.js';

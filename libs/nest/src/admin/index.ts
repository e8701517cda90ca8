export { Access, accessOf } from './access.js';
export { AdminGuard } from './admin.guard.js';
export { type AdminSettings, AdminTokens } from './tokens.js';

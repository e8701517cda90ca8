export { type ApiInfo, ApiDocument } from './api-document.js';
export { type Content, type RouteDescription, Described, Undescribed } from './described.js';
export { OpenApiModule } from './openapi.module.js';
export { failureSchema } from './schemas.js';
export * from './vocabulary.js';
export * from './lists.js';
export { errorsMarkdown } from './errors-markdown.js';

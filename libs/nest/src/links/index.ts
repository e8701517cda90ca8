export { type LinkAcceptor, type LinkLimits, Links, type LinksOptions } from './links.js';

/** The version of this code, that of package.json. */
export const VERSION = '0.1.0';

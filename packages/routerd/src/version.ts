/** Of the daemon, as `routerd --version` and its metrics say it. */
export const VERSION = '0.1.0';

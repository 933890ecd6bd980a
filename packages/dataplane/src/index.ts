export type * from './ports.ts';
export type * from './host-op.ts';
export type * from './host-state.ts';

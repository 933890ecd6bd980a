/** A second door, for networks that are not NATS: the simulator's. Nothing in production opens it. */
export { federationOver } from './node-federation.ts';
export type { ReadWire } from './federation-config.ts';
export { signerOf, verifierOf, type VerifySignature } from './node-identity.ts';
export { CAPTURES_PER_SUBJECT, FACTS_PER_SUBJECT } from './adapters/stream-limits.ts';
export type {
  LogMessage,
  LogReader,
  OutgoingMessage,
  Transport,
  TransportFault,
  TransportListener,
} from './transport.ts';

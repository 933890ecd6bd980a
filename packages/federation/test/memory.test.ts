import { federationContract } from '@routerd/federation/contract';
import { openMemoryRig } from './memory-rig.ts';

federationContract('the in-memory network', openMemoryRig);

import { hostContract } from '../src/contract.ts';
import { openNamespaceRig } from './namespace-rig.ts';

hostContract('LinuxHost', openNamespaceRig);

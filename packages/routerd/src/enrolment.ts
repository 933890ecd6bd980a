/** A door for routerctl: what an operator does about keys, without a daemon. */
export {
  addNode,
  encodeToken,
  finishRotation,
  initGroup,
  joinGroup,
  peersFile,
  rotateNode,
  updatePeers,
  type HubAddress,
} from '@routerd/federation';

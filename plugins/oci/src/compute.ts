/** What an inventory needs of OCI's compute service: the port between its decisions and the vendor's SDK. It changes nothing. */

export interface Machine {
  readonly id: string;
  /** `RUNNING`, `STOPPED`, `TERMINATED`, …: the API's own word, also one that the SDK does not know yet. */
  readonly lifecycleState: string;
}

export interface VnicAttachment {
  readonly instanceId: string;
  /** Undefined until the attachment is made. */
  readonly vnicId: string | undefined;
  /** `ATTACHING`, `ATTACHED`, `DETACHING` or `DETACHED`: one that is over stays listed for a while. */
  readonly lifecycleState: string;
}

/** Both reject with something that `faultOf` reads, also with a 404: for what does not exist, and for what the caller may not list. */
export interface Compute {
  listMachines(compartmentId: string): Promise<readonly Machine[]>;
  /** An attachment is in the compartment of its machine, whichever that of the VNIC is. */
  listVnicAttachments(compartmentId: string): Promise<readonly VnicAttachment[]>;
}

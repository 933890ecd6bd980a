/** A locally administered MAC that spells the IPv4 address, so that a capture is readable: 10.77.60.4 is 02:00:0a:4d:3c:04. */
export function macOf(ipv4: string): string {
  const octets = ipv4.split('.').map((octet) => Number(octet).toString(16).padStart(2, '0'));
  return ['02', '00', ...octets].join(':');
}

// Which addresses are of the public Internet: what only this machine, or its network, can reach is no place for a webhook.
import { BlockList, isIP, isIPv6 } from 'node:net';

/** What is not of the public Internet (IANA's registries of special-purpose addresses, RFC 6890), and multicast. */
const inside = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const) {
  inside.addSubnet(network, prefix, 'ipv4');
}

/** All that is routed of IPv6 (RFC 4291, section 2.4), but for what holds, or leads to, other addresses. */
const global = new BlockList();
global.addSubnet('2000::', 3, 'ipv6');
const special = new BlockList();
for (const [network, prefix] of [
  // Teredo and others (RFC 2928), documentation, 6to4 (RFC 3056), documentation (RFC 9637).
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const) {
  special.addSubnet(network, prefix, 'ipv6');
}

/** Whether an address is of the public Internet. IPv4 in the clothes of IPv6 is judged as IPv4, or refused. */
export function isPublic(address: string): boolean {
  const plain = address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
  if (isIP(plain) === 0) return false;
  if (!isIPv6(plain)) return !inside.check(plain, 'ipv4');
  return global.check(plain, 'ipv6') && !special.check(plain, 'ipv6');
}

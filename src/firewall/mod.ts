/**
 * What workers are kept from on the network: nftables rules, made from data, and how they are set,
 * looked after and removed.
 *
 * @module
 */
export * from "./known_addresses.ts";
export * from "./managed_firewall.ts";
export * from "./metadata_addresses.ts";
export * from "./name_servers.ts";
export * from "./nft.ts";
export * from "./orphan_tables.ts";
export * from "./ruleset.ts";
export * from "./senders.ts";
export * from "./server_table.ts";

//! How much one user, one address and one connection may ask for.

use crate::limits::{Allowance, ProxyHeader};
use clap::Args;
use ipnet::IpNet;
use std::net::IpAddr;
use std::num::NonZeroU32;

/// Rates, connections, and whose word on the client's address counts.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub struct Limits {
    /// Requests a second of one user, sends over a socket included, ten times as many at once; 0: no limit
    #[arg(long, value_name = "N", default_value_t = Allowance::default().user_rate)]
    pub user_rate: u32,
    /// Requests a second from one address (IPv6: one /64), ten times as many at once; 0: no limit. This machine
    /// is not limited as an address, nor are the proxies named
    #[arg(long, value_name = "N", default_value_t = Allowance::default().address_rate)]
    pub address_rate: u32,
    /// Refused tokens a second from one address, ten times as many at once; then new tokens from there wait, and
    /// those in use go on. 0: no limit
    #[arg(long, value_name = "N", default_value_t = Allowance::default().refused_rate)]
    pub refused_rate: u32,
    /// Most open connections; newcomers wait until one ends
    #[arg(long, value_name = "N", default_value_t = most())]
    pub max_connections: NonZeroU32,
    /// Most open connections from one address; newcomers are closed. 0: no limit
    #[arg(long, value_name = "N",
          default_value_t = Allowance::default().address_connections)]
    pub max_address_connections: u32,
    /// Believe the proxies of this network, such as 10.0.0.0/8 or 192.0.2.7, about the client's address; may be
    /// given again
    #[arg(long, value_name = "NETWORK", value_delimiter = ',', value_parser = network)]
    pub trust_proxy: Vec<IpNet>,
    /// The header in which they say it, each appending to it
    #[arg(long, value_name = "HEADER", value_enum, default_value_t)]
    pub proxy_header: ProxyHeader,
}

impl Limits {
    /// What is allowed.
    pub fn allowance(&self) -> Allowance {
        Allowance {
            user_rate: self.user_rate,
            address_rate: self.address_rate,
            refused_rate: self.refused_rate,
            connections: self.max_connections.get(),
            address_connections: self.max_address_connections,
            trusted: self.trust_proxy.clone(),
            header: self.proxy_header,
        }
    }
}

fn most() -> NonZeroU32 {
    NonZeroU32::new(Allowance::default().connections).unwrap_or(NonZeroU32::MIN)
}

/// A network, or an address, which is a network of one.
fn network(given: &str) -> Result<IpNet, String> {
    let address = || given.parse().map(|address: IpAddr| IpNet::from(address.to_canonical()));
    given
        .parse()
        .or_else(|_| address())
        .map_err(|_| "a network looks like 10.0.0.0/8, 2001:db8::/32 or 192.0.2.7".into())
}

# Answers every HTTP request with its head. The arguments are the address and the port to listen on.
use strict;
use warnings;
use IO::Socket::INET;

my ($host, $port) = @ARGV;
my $listener = IO::Socket::INET->new(
  LocalAddr => $host, LocalPort => $port, Listen => 5, ReuseAddr => 1)
  or die "cannot listen on $host:$port: $!\n";
while (my $client = $listener->accept) {
  my $head = "";
  while (defined(my $line = <$client>)) {
    last if $line eq "\r\n";
    $head .= $line;
  }
  my $length = length $head;
  print {$client} "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n",
    "Content-Length: $length\r\nConnection: close\r\n\r\n$head";
  close $client;
}

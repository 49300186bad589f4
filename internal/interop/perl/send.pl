# Sends a letter as the account says: WAY MECHANISM PORT CA USER PASSWORD FROM TO FILE.
use strict;
use warnings;
use Authen::SASL;
use Net::SMTP;

my ($way, $mechanism, $port, $ca, $user, $password, $from, $to, $file) = @ARGV;
my @tls = (SSL_ca_file => $ca, SSL_verifycn_name => 'localhost');
my $smtp = Net::SMTP->new('localhost', Port => $port, Hello => 'client.example.test', Timeout => 60,
	$way eq 'implicit' ? (SSL => 1, @tls) : ()) or die "connect: $@";
$way ne 'starttls' or $smtp->starttls(@tls) or die 'STARTTLS: ', $smtp->message;
my $sasl = Authen::SASL->new(mechanism => $mechanism, callback => { user => $user, authname => '', pass => $password });
$smtp->auth($sasl) or die 'AUTH: ', $smtp->message;
open my $in, '<', $file or die $!;
$smtp->mail($from) && $smtp->to($to) && $smtp->data or die $smtp->message;
$smtp->datasend($_) for <$in>;
$smtp->dataend or die $smtp->message;
$smtp->quit or die $smtp->message;

# Queues, an agent who may see the first 20 of 22 through a group, and customers who may write to all.
@Queues = map { { Name => "Company $_", CorrespondAddress => "company$_\@example.org" } } 1 .. $ENV{PEERS_QUEUES};
@Groups = ( { Name => 'Agents' } );
@Users  = ( {
    Name => 'agent', EmailAddress => 'agent@example.org', Password => $ENV{PEERS_PASSWORD}, Privileged => 1,
    MemberOf => 'Agents',
} );
@ACL = (
    ( map {
        my $queue = "Company $_";
        map { { GroupDomain => 'UserDefined', GroupId => 'Agents', Queue => $queue, Right => $_ } }
            qw(SeeQueue ShowTicket ShowTicketComments ReplyToTicket CommentOnTicket OwnTicket TakeTicket
               ModifyTicket CreateTicket ShowOutgoingEmail)
    } 1 .. $ENV{PEERS_SEEN} ),
    ( map {
        my $queue = "Company $_";
        map { { GroupDomain => 'SystemInternal', GroupType => 'Everyone', Queue => $queue, Right => $_ } }
            qw(CreateTicket ReplyToTicket)
    } 1 .. $ENV{PEERS_QUEUES} ),
    ( map { { GroupDomain => 'UserDefined', GroupId => 'Agents', Right => $_ } }
        qw(ShowSavedSearches CreateSavedSearch LoadSavedSearch EditSavedSearches ModifySelf) ),
);
1;

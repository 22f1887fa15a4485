package platform;

import io.netty.channel.ChannelHandlerContext;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.rocketmq.acl.common.SessionCredentials;
import org.apache.rocketmq.auth.authentication.model.User;
import org.apache.rocketmq.auth.authorization.context.DefaultAuthorizationContext;
import org.apache.rocketmq.auth.authorization.model.Resource;
import org.apache.rocketmq.auth.authorization.provider.DefaultAuthorizationProvider;
import org.apache.rocketmq.common.action.Action;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.RequestCode;

/**
 * A request that names no topic, group or cluster is an administrator's. RocketMQ 5.5.0 lets every user pass with it, so any
 * application could change a broker's configuration (25), or read it with the brokers' password (26).
 */
public class StrictAuthorizationProvider extends DefaultAuthorizationProvider {
    /** What clients ask all the same. */
    private static final Set<Integer> CLIENTS = new HashSet<>(Arrays.asList(
        RequestCode.HEART_BEAT, RequestCode.UNREGISTER_CLIENT, RequestCode.CHECK_CLIENT_CONFIG, RequestCode.QUERY_ASSIGNMENT,
        RequestCode.END_TRANSACTION, RequestCode.CONSUMER_SEND_MSG_BACK, RequestCode.LOCK_BATCH_MQ, RequestCode.UNLOCK_BATCH_MQ));

    @Override
    public List<DefaultAuthorizationContext> newContexts(ChannelHandlerContext channel, RemotingCommand command) {
        List<DefaultAuthorizationContext> named = super.newContexts(channel, command);
        if (!named.isEmpty() || CLIENTS.contains(command.getCode())) {
            return named;
        }
        String user = command.getExtFields() == null ? null : command.getExtFields().get(SessionCredentials.ACCESS_KEY);
        DefaultAuthorizationContext asked = DefaultAuthorizationContext.of(user == null ? null : User.of(user),
            Resource.ofCluster(authConfig.getClusterName()), Action.UPDATE, "");
        asked.setChannelId(channel.channel().id().asLongText());
        asked.setRpcCode(String.valueOf(command.getCode()));
        return Collections.singletonList(asked);
    }
}

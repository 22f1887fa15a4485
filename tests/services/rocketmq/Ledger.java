import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.acl.common.AclClientRPCHook;
import org.apache.rocketmq.acl.common.SessionCredentials;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * A ledger's two ends, run with the jars of the image.
 *
 * <pre>write NAMESRV USER TOPIC PREFIX SECONDS THREADS PAUSE_MS   one line per send: millis, ACK or ERR, value, queue or reason
 * read  NAMESRV USER TOPIC GROUP                              every message of every queue, one line: value queue</pre>
 *
 * The password is the first line of stdin. A send is acknowledged only by SEND_OK; nothing is sent twice.
 */
public class Ledger {
    public static void main(String[] a) throws Exception {
        String password = new java.io.BufferedReader(new java.io.InputStreamReader(System.in)).readLine();
        AclClientRPCHook hook = password == null || password.isEmpty() ? null
            : new AclClientRPCHook(new SessionCredentials(a[2], password));
        int status = 0;
        try {
            if (a[0].equals("write")) {
                write(a, hook);
            } else {
                read(a, hook);
            }
        } catch (Exception e) {
            System.err.println(reason(e));
            status = 1;
        }
        System.exit(status);
    }

    static void write(String[] a, AclClientRPCHook hook) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer("ledger", hook);
        producer.setNamesrvAddr(a[1]);
        producer.setSendMsgTimeout(3000);
        producer.setRetryTimesWhenSendFailed(0);
        producer.setPollNameServerInterval(1000);
        producer.setHeartbeatBrokerInterval(1000);
        producer.start();
        long end = System.currentTimeMillis() + 1000L * Integer.parseInt(a[5]);
        AtomicInteger next = new AtomicInteger();
        Thread[] threads = new Thread[Integer.parseInt(a[6])];
        for (int i = 0; i < threads.length; i++) {
            threads[i] = new Thread(() -> {
                while (System.currentTimeMillis() < end) {
                    String value = a[4] + "." + next.getAndIncrement();
                    String line;
                    try {
                        SendResult sent = producer.send(new Message(a[3], value.getBytes(StandardCharsets.UTF_8)));
                        line = (sent.getSendStatus() == SendStatus.SEND_OK ? " ACK " : " ERR ") + value + " "
                            + sent.getMessageQueue().getBrokerName() + "/" + sent.getMessageQueue().getQueueId() + " " + sent.getSendStatus();
                    } catch (Exception e) {
                        line = " ERR " + value + " " + reason(e);
                    }
                    System.out.println(System.currentTimeMillis() + line);
                    try {
                        Thread.sleep(Long.parseLong(a[7]));
                    } catch (InterruptedException e) {
                        return;
                    }
                }
            });
            threads[i].start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        producer.shutdown();
    }

    /** The last offset of each queue, if not 0; the consumer begins at the first. A client's first requests can fail. */
    static Map<MessageQueue, Long> assign(DefaultLitePullConsumer consumer, String topic) throws Exception {
        for (int tries = 1;; tries++) {
            try {
                Map<MessageQueue, Long> ends = new HashMap<>();
                Collection<MessageQueue> queues = consumer.fetchMessageQueues(topic);
                consumer.assign(queues);
                for (MessageQueue queue : queues) {
                    ends.put(queue, consumer.offsetForTimestamp(queue, System.currentTimeMillis()));
                    consumer.seekToBegin(queue);
                }
                ends.values().removeIf(end -> end == 0);
                return ends;
            } catch (Exception e) {
                if (tries == 20) {
                    throw e;
                }
                Thread.sleep(3000);
            }
        }
    }

    /** The innermost cause that says something, in one line. */
    static String reason(Throwable fault) {
        Throwable cause = fault.getCause() == null ? fault : fault.getCause();
        return cause.getClass().getSimpleName() + " " + String.valueOf(cause.getMessage()).split("\n")[0];
    }

    /** Ends 10 s after every queue was read up to where it ended; gives up when nothing has come for two minutes. */
    static void read(String[] a, AclClientRPCHook hook) throws Exception {
        DefaultLitePullConsumer consumer = new DefaultLitePullConsumer(a[4], hook);
        consumer.setNamesrvAddr(a[1]);
        consumer.setAutoCommit(false);
        consumer.start();
        Map<MessageQueue, Long> left = assign(consumer, a[3]);
        for (int idle = 0; idle < (left.isEmpty() ? 5 : 60);) {
            List<MessageExt> messages = consumer.poll(2000);
            idle = messages.isEmpty() ? idle + 1 : 0;
            for (MessageExt message : messages) {
                System.out.println(new String(message.getBody(), StandardCharsets.UTF_8) + " " + message.getBrokerName() + "/" + message.getQueueId());
                left.entrySet().removeIf(each -> each.getKey().getQueueId() == message.getQueueId()
                    && each.getKey().getBrokerName().equals(message.getBrokerName()) && message.getQueueOffset() >= each.getValue());
            }
        }
        left.forEach((queue, end) -> System.err.println("not read up to " + end + ": " + queue));
        consumer.shutdown();
    }
}

package org.apache.rocketmq.remoting.protocol.body;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.apache.rocketmq.remoting.protocol.DataVersion;
import org.apache.rocketmq.remoting.protocol.RemotingSerializable;

/**
 * What a master tells of its consumers' places, with the one table that RocketMQ 5.5.0 leaves out here: fastjson2 2.0.59 can't
 * skip it, so no broker would take over any place, and a consumer would begin anew after a failover.
 * https://github.com/apache/rocketmq/issues/10284 https://github.com/alibaba/fastjson2/issues/3918
 */
public class ConsumerOffsetSerializeWrapper extends RemotingSerializable {
    private ConcurrentMap<String, ConcurrentMap<Integer, Long>> offsetTable = new ConcurrentHashMap<>();
    private ConcurrentMap<String, ConcurrentMap<Integer, Long>> pullOffsetTable = new ConcurrentHashMap<>();
    private DataVersion dataVersion;

    public ConcurrentMap<String, ConcurrentMap<Integer, Long>> getOffsetTable() {
        return offsetTable;
    }

    public void setOffsetTable(ConcurrentMap<String, ConcurrentMap<Integer, Long>> table) {
        this.offsetTable = table;
    }

    public ConcurrentMap<String, ConcurrentMap<Integer, Long>> getPullOffsetTable() {
        return pullOffsetTable;
    }

    public void setPullOffsetTable(ConcurrentMap<String, ConcurrentMap<Integer, Long>> table) {
        this.pullOffsetTable = table;
    }

    public DataVersion getDataVersion() {
        return dataVersion;
    }

    public void setDataVersion(DataVersion version) {
        this.dataVersion = version;
    }
}

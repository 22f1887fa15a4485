import com.alibaba.nacos.NacosServerBasicApplication;
import com.alibaba.nacos.NacosServerWebApplication;
import com.alibaba.nacos.console.NacosConsole;
import com.alibaba.nacos.core.listener.startup.NacosStartUp;
import com.alibaba.nacos.core.listener.startup.NacosStartUpManager;
import com.alibaba.nacos.sys.env.DeploymentType;
import com.alibaba.nacos.sys.env.EnvUtil;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;

/** Starts the contexts of a Nacos server one after the other, as the official jar does; that one's main class is not on Maven Central. */
public class Boot {
  public static void main(String[] args) {
    DeploymentType type = DeploymentType.getType(System.getProperty("nacos.deployment.type", "merged"));
    EnvUtil.setDeploymentType(type);
    NacosStartUpManager.start(NacosStartUp.CORE_START_UP_PHASE);
    ConfigurableApplicationContext core =
        new SpringApplicationBuilder(NacosServerBasicApplication.class).web(WebApplicationType.NONE).run(args);
    NacosStartUpManager.start(NacosStartUp.WEB_START_UP_PHASE);
    new SpringApplicationBuilder(NacosServerWebApplication.class).parent(core).run(args);
    if (type == DeploymentType.MERGED) {
      NacosStartUpManager.start(NacosStartUp.CONSOLE_START_UP_PHASE);
      new SpringApplicationBuilder(NacosConsole.class).parent(core).run(args);
    }
  }
}

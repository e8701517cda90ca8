package rollcall;

import com.netflix.appinfo.ApplicationInfoManager;
import com.netflix.appinfo.InstanceInfo;
import com.netflix.appinfo.MyDataCenterInstanceConfig;
import com.netflix.appinfo.providers.EurekaConfigBasedInstanceInfoProvider;
import com.netflix.discovery.DefaultEurekaClientConfig;
import com.netflix.discovery.DiscoveryClient;
import com.netflix.discovery.shared.Application;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/**
 * Instances of one application, each with a client of its own. Prints "NUMBER HOST,HOST" whenever one of them knows of others
 * than before; "stop NUMBER" on the input shuts one down, and the end of the input all of them.
 *
 * <p>Arguments: the application, and of each instance its host and its servers, joined by commas.
 */
public final class Instances {
  private static final int LEASE_SECONDS = 4;
  private static final int LOOK_MS = 50;

  private static final class Instance extends MyDataCenterInstanceConfig {
    private final String app;
    private final String host;

    Instance(String app, String host) {
      this.app = app;
      this.host = host;
    }

    @Override
    public String getAppname() {
      return app;
    }

    @Override
    public String getVirtualHostName() {
      return app;
    }

    @Override
    public String getInstanceId() {
      return host + ":" + app;
    }

    @Override
    public String getHostName(boolean refresh) {
      return host;
    }

    @Override
    public String getIpAddress() {
      return host;
    }

    @Override
    public int getNonSecurePort() {
      return 8080;
    }

    @Override
    public boolean isInstanceEnabledOnit() {
      return true;
    }

    @Override
    public int getLeaseRenewalIntervalInSeconds() {
      return 1;
    }

    @Override
    public int getLeaseExpirationDurationInSeconds() {
      return LEASE_SECONDS;
    }
  }

  private static final class Servers extends DefaultEurekaClientConfig {
    private final List<String> urls;

    Servers(List<String> urls) {
      this.urls = urls;
    }

    @Override
    public List<String> getEurekaServerServiceUrls(String zone) {
      return urls;
    }

    @Override
    public int getRegistryFetchIntervalSeconds() {
      return 1;
    }

    @Override
    public int getInitialInstanceInfoReplicationIntervalSeconds() {
      return 0;
    }
  }

  public static void main(String[] args) throws Exception {
    String app = args[0];
    Map<Integer, DiscoveryClient> clients = new ConcurrentHashMap<>();
    for (int i = 0; 2 * i + 2 < args.length; i++) {
      Instance config = new Instance(app, args[2 * i + 1]);
      InstanceInfo info = new EurekaConfigBasedInstanceInfoProvider(config).get();
      ApplicationInfoManager manager = new ApplicationInfoManager(config, info);
      clients.put(i, new DiscoveryClient(manager, new Servers(List.of(args[2 * i + 2].split(",")))));
    }
    Thread looking = new Thread(() -> look(app, clients));
    looking.setDaemon(true);
    looking.start();
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
    for (String line = input.readLine(); line != null; line = input.readLine())
      clients.remove(Integer.parseInt(line.replace("stop ", ""))).shutdown();
    new ArrayList<>(clients.values()).forEach(DiscoveryClient::shutdown);
    System.exit(0);
  }

  private static void look(String app, Map<Integer, DiscoveryClient> clients) {
    Map<Integer, String> known = new ConcurrentHashMap<>();
    try {
      for (; ; Thread.sleep(LOOK_MS))
        clients.forEach((number, client) -> {
          Application application = client.getApplication(app);
          String hosts =
              application == null
                  ? ""
                  : application.getInstances().stream()
                      .map(InstanceInfo::getHostName)
                      .sorted()
                      .collect(Collectors.joining(","));
          if (hosts.equals(known.put(number, hosts))) return;
          System.out.println(number + " " + hosts);
        });
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}

package io.athanor.training;

import java.io.IOException;
import java.io.InputStream;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;

/** What runs, as far as it may change bits. */
final class Environment {
  private Environment() {}

  static Map<String, String> describe() {
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("athanor", version());
    facts.put("java", System.getProperty("java.runtime.version", "unknown"));
    facts.put(
        "jvm",
        System.getProperty("java.vm.vendor", "unknown")
            + " "
            + System.getProperty("java.vm.name", ""));
    facts.put(
        "os",
        System.getProperty("os.name", "unknown")
            + " "
            + System.getProperty("os.version", "")
            + " "
            + System.getProperty("os.arch", ""));
    return facts;
  }

  /** Written by the build. */
  private static String version() {
    Properties properties = new Properties();
    try (InputStream in = Environment.class.getResourceAsStream("version.properties")) {
      if (in != null) {
        properties.load(in);
      }
    } catch (IOException e) {
      return "unknown";
    }
    return properties.getProperty("version", "unknown");
  }
}

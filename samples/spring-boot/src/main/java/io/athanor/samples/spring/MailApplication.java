package io.athanor.samples.spring;

import io.athanor.api.deploy.Deployment;
import io.athanor.deploy.Deployments;
import io.athanor.registry.ModelRegistry;
import java.nio.file.Path;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;

/**
 * Sorts mails with the spam filter that is in production in a registry. Spring closes the
 * deployment when the application ends.
 */
@SpringBootApplication
public class MailApplication {
  public static void main(String[] arguments) {
    SpringApplication.run(MailApplication.class, arguments);
  }

  @Bean
  Deployment spamFilter(@Value("${models}") Path models) {
    try (ModelRegistry registry = ModelRegistry.open(models)) {
      return Deployments.inProcess().deploy(registry.alias("spam-filter", "production"));
    }
  }
}

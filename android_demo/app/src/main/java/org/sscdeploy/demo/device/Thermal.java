package org.sscdeploy.demo.device;

import android.content.Context;
import android.content.Intent;
import android.content.IntentFilter;
import android.os.BatteryManager;
import android.os.Build;
import android.os.PowerManager;
import java.util.OptionalDouble;

/**
 * How warm the device is. It is asked between measurements; a listener of the system would call into them, and fails on
 * some devices.
 */
public final class Thermal {
    private final Context context;

    /** Asks this context's services. */
    public Thermal(Context context) {
        this.context = context.getApplicationContext();
    }

    /** Its state now; any thread. */
    public ThermalState now() {
        return new ThermalState(status(), batteryCelsius());
    }

    private int status() {
        if (Build.VERSION.SDK_INT < Build.VERSION_CODES.Q) {
            return ThermalState.UNKNOWN;
        }
        try {
            return context.getSystemService(PowerManager.class).getCurrentThermalStatus();
        } catch (RuntimeException error) { // devices without a thermal service
            return ThermalState.UNKNOWN;
        }
    }

    private OptionalDouble batteryCelsius() {
        Intent battery = context.registerReceiver(null, new IntentFilter(Intent.ACTION_BATTERY_CHANGED));
        int tenths = battery == null ? 0 : battery.getIntExtra(BatteryManager.EXTRA_TEMPERATURE, 0);
        return tenths == 0 ? OptionalDouble.empty() : OptionalDouble.of(tenths / 10.0);
    }
}

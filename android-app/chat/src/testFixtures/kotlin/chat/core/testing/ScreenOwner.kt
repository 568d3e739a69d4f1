package chat.core.testing

import android.app.Application
import android.os.Bundle
import android.os.Parcel
import androidx.lifecycle.HasDefaultViewModelProviderFactory
import androidx.lifecycle.LifecycleRegistry
import androidx.lifecycle.SAVED_STATE_REGISTRY_OWNER_KEY
import androidx.lifecycle.SavedStateViewModelFactory
import androidx.lifecycle.VIEW_MODEL_STORE_OWNER_KEY
import androidx.lifecycle.ViewModelProvider
import androidx.lifecycle.ViewModelStore
import androidx.lifecycle.ViewModelStoreOwner
import androidx.lifecycle.enableSavedStateHandles
import androidx.lifecycle.viewmodel.CreationExtras
import androidx.lifecycle.viewmodel.MutableCreationExtras
import androidx.savedstate.SavedStateRegistryController
import androidx.savedstate.SavedStateRegistryOwner
import androidx.test.core.app.ApplicationProvider

/** What an activity is to its view models, without an activity: it keeps them, saves their state and may be the next. */
class ScreenOwner(saved: Bundle? = null) :
    ViewModelStoreOwner,
    SavedStateRegistryOwner,
    HasDefaultViewModelProviderFactory {
    override val lifecycle = LifecycleRegistry.createUnsafe(this)
    override val viewModelStore = ViewModelStore()
    private val controller = SavedStateRegistryController.create(this)
    override val savedStateRegistry get() = controller.savedStateRegistry
    override val defaultViewModelProviderFactory: ViewModelProvider.Factory = SavedStateViewModelFactory()
    override val defaultViewModelCreationExtras: CreationExtras = MutableCreationExtras().apply {
        val application = ApplicationProvider.getApplicationContext<Application>()
        set(ViewModelProvider.AndroidViewModelFactory.APPLICATION_KEY, application)
        set(SAVED_STATE_REGISTRY_OWNER_KEY, this@ScreenOwner)
        set(VIEW_MODEL_STORE_OWNER_KEY, this@ScreenOwner)
    }

    init {
        enableSavedStateHandles()
        controller.performRestore(saved)
    }

    /** What the system keeps of this screen when it ends the process: bytes, as it hands them to another one. */
    fun saved(): Bundle {
        val bundle = Bundle().also { controller.performSave(it) }
        val parcel = Parcel.obtain()
        try {
            parcel.writeBundle(bundle)
            val bytes = parcel.marshall()
            parcel.setDataPosition(0)
            parcel.unmarshall(bytes, 0, bytes.size)
            parcel.setDataPosition(0)
            return checkNotNull(parcel.readBundle(javaClass.classLoader))
        } finally {
            parcel.recycle()
        }
    }
}
